"""Mistakes in templates are named with file and line, before anybody gets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.route.domain.mail import fields
from services.route.domain.mail.letter import Unsendable
from services.route.domain.nurture.document import Nurturing
from services.route.domain.nurture.read import read
from services.route.mail import lint, templates
from services.route.mail.lint import Mistake
from services.route.mail.settings import SHIPPED_TEMPLATES
from services.route.mail.templates import Refused
from services.route.settings import SHIPPED_NURTURE

SHIPPED = {one.name: one.read_text() for one in SHIPPED_TEMPLATES.iterdir()}


@pytest.fixture(scope="module")
def doc() -> Nurturing:
    return read(SHIPPED_NURTURE.read_text())


def link(target: str) -> str:
    if not target.startswith("https://www.acme.example/"):
        raise Refused("another host")
    return target


def of(doc: Nurturing, text: str) -> list[tuple[str, int, str]]:
    files = {**SHIPPED, "case-study.txt": text + "\n{{ unsubscribe_url }}"}
    return [(one.file, one.line, one.says) for one in lint.mistakes(files, doc, link)]


def test_the_shipped_templates_are_without_mistake(doc: Nurturing) -> None:
    assert lint.mistakes(SHIPPED, doc, link) == []


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("Hello\n{{ profile.nmae.given }}", 2, "there is no `profile.nmae`"),
        ("{% if false %}\n\n{{ profile['company'].nme }}{% endif %}", 3, "there is no `profile.company.nme`"),
        ("{{ lead.score }}", 1, "there is no `lead.score`"),
        ("\n{{ profile.name.given }}", 2, "prints what may not be known"),
        ("\n\n{{ customer }}", 3, "'customer' is undefined"),
        ("{% if %}", 1, "Expected an expression"),
        ("\n{{ link('https://evil.example/') }}", 2, "another host"),
        ("{{ ().__class__.__mro__ }}", 1, "unsafe"),
        ("{{ profile.update({}) }}", 1, "there is no `profile.update`"),
        ("{{ profile.custom.plan }}", 1, "prints what may not be known"),
    ],
)
def test_a_mistake_is_named_with_its_line(doc: Nurturing, text: str, line: int, says: str) -> None:
    [(file, found, said)] = of(doc, text)
    assert (file, found) == ("case-study.txt", line)
    assert says in said


@pytest.mark.parametrize(
    "text",
    [
        "{{ profile.name.given or 'you' }}",
        "{% if profile.company.size %}{{ profile.company.size }}{% endif %}",
        "{{ profile.custom.plan or 'none' }}",
        "{{ profile.consent.marketing_email.text or '' }}",
    ],
)
def test_what_may_be_absent_may_be_shown_with_another_word(doc: Nurturing, text: str) -> None:
    assert of(doc, text) == []


def test_what_is_sent_and_not_there_is_a_mistake_and_so_is_a_mail_that_nobody_can_stop(doc: Nurturing) -> None:
    without = {
        name: text for name, text in SHIPPED.items() if name not in ("case-study.txt", "handover-offered.subject")
    }
    assert {(one.file, one.line) for one in lint.mistakes(without, doc, link)} == {
        ("case-study.txt", 0),
        ("handover-offered.subject", 0),
    }
    [one] = lint.mistakes({**SHIPPED, "case-study.txt": "Hello"}, doc, link)
    assert one == Mistake(
        "case-study.txt", 0, "shows no {{ unsubscribe_url }}: whoever gets it must be able to stop it"
    )


def test_html_is_escaped_and_a_text_is_not() -> None:
    env = templates.given({"t.txt": "{{ profile.name.given }}", "t.html": "<p>{{ profile.name.given }}</p></body>"})
    shown = fields.shown(b'{"profile": {"name": {"given": "<script>&"}}}', notice=False)
    text = templates.render(
        env, "t", subject="{{ profile.name.given }}", shown=shown, link=link, pixel="https://c.example/m/x"
    )
    assert (text.subject, text.text) == ("<script>&", "<script>&")
    assert text.html == '<p>&lt;script&gt;&amp;</p><img src="https://c.example/m/x" width="1" height="1" alt=""></body>'


def test_a_template_that_fails_when_it_is_sent_says_where_and_nothing_of_the_person(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("\n{{ profile.name.given / 2 }}")
    shown = fields.shown(b'{"profile": {"name": {"given": "Jo"}}}', notice=False)
    with pytest.raises(Unsendable) as raised:
        templates.render(templates.folder(tmp_path), "t", subject="s", shown=shown, link=link)
    assert str(raised.value) == "template t.txt:2: TypeError"
