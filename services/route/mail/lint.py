"""Everything against a folder of templates, with file and line: syntax, fields that no event has, what a person of whom little is known would be shown,
what the documents name and is not there. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from services.route.domain.mail import fields
from services.route.domain.mail.heard import NOTICES
from services.route.domain.mail.letter import Text, Unsendable
from services.route.domain.nurture.document import Nurturing
from services.route.mail import templates
from services.route.mail.templates import ENDINGS, Link, Refused
from shared import mail_link

LEAVE = "https://capture.example/m/leave"  # what stands for the link in what is tried


class Mistake(Struct, frozen=True):
    """One thing to mend. `line` 0: it is about the whole file."""

    file: str
    line: int
    says: str


def mistakes(files: Mapping[str, str], doc: Nurturing, link: Link) -> list[Mistake]:
    """All of them, by file and line. `doc`: the nurture document in force, whose mails must have a template; `link` as in sending."""
    env = templates.given(files)
    strict = templates.environment(env.loader, _printed) if env.loader is not None else env
    subjects = _subjects(doc)
    names = {one.rpartition(".")[0] for one in files if one.endswith(ENDINGS)}
    named = {*subjects, *NOTICES.values()}
    found = [*_absent(files, subjects), *(one for name in sorted(files) for one in _of_file(env, name, files[name]))]
    if not found:
        found = [one for name in sorted(names & named) for one in _tried(strict, name, subjects.get(name, [""]), link)]
    return sorted(dict.fromkeys(found), key=lambda one: (one.file, one.line, one.says))


def _subjects(doc: Nurturing) -> dict[str, list[str]]:
    """The templates that the document sends by mail, with the subjects that it gives them."""
    found: dict[str, list[str]] = {}
    for content in doc.content.values():
        if content.channel == mail_link.EMAIL and content.template:
            found.setdefault(content.template, []).append(content.subject or "")
    return found


def _absent(files: Mapping[str, str], subjects: Mapping[str, Sequence[str]]) -> Iterator[Mistake]:
    for name in sorted({*subjects, *NOTICES.values()}):
        if f"{name}.txt" not in files:
            who = "the nurture document in force" if name in subjects else "a handover"
            yield Mistake(f"{name}.txt", 0, f"is not there, and {who} sends it: every mail has a text")
        if "" in subjects.get(name, [""]) and f"{name}.subject" not in files:
            yield Mistake(f"{name}.subject", 0, "is not there, and no document says the subject")


def _of_file(env: ImmutableSandboxedEnvironment, file: str, source: str) -> Iterator[Mistake]:
    """Syntax, and every field that is named anywhere in it, whether or not it would be shown."""
    try:
        tree = env.parse(source, file)
    except TemplateSyntaxError as error:
        yield Mistake(file, error.lineno, str(error.message))
        return
    yield from _fields(tree, file)


def _fields(tree: nodes.Template, file: str) -> Iterator[Mistake]:
    is_notice = file.rpartition(".")[0] in NOTICES.values()
    for node in tree.find_all(nodes.Getattr):
        path = _path(node)
        if path is not None and (says := fields.unknown(path, notice=is_notice)) is not None:
            yield Mistake(file, node.lineno, says)


def _path(node: nodes.Expr) -> tuple[str, ...] | None:
    """The names of `profile.name.given` or `profile["name"].given`; None where it is anything else."""
    match node:
        case nodes.Name():
            return (node.name,)
        case nodes.Getattr():
            before = _path(node.node)
            return (*before, node.attr) if before is not None else None
        case nodes.Getitem(arg=nodes.Const(value=str() as name)):
            before = _path(node.node)
            return (*before, name) if before is not None else None
    return None


def _tried(env: ImmutableSandboxedEnvironment, name: str, subjects: Iterable[str], link: Link) -> Iterator[Mistake]:
    """What goes wrong with an example."""
    is_notice = name in NOTICES.values()
    for example, data in fields.examples(notice=is_notice):
        shown: dict[str, Any] = {
            **fields.shown(data, notice=is_notice),
            "unsubscribe_url": LEAVE,
            "preferences_url": LEAVE,
        }
        for subject in subjects:
            try:
                text = templates.render(env, name, subject=subject, shown=shown, link=link)
            except Unsendable as error:
                place, _, says = str(error).removeprefix("template ").partition(": ")
                file, _, line = place.partition(":")
                yield Mistake(
                    file if line else f"{name}.txt", int(line or 0), f"{says or place} (tried with {example})"
                )
                return
            yield from _missing(text, name) if not is_notice else ()


def _missing(text: Text, name: str) -> Iterator[Mistake]:
    """A mail that nobody can stop is no mail of ours."""
    for ending, body in ((".txt", text.text), (".html", text.html)):
        if body is not None and LEAVE not in body:
            yield Mistake(name + ending, 0, "shows no {{ unsubscribe_url }}: whoever gets it must be able to stop it")


def _printed(value: Any) -> Any:
    if value is None:
        raise Refused(
            "prints what may not be known: say what stands there then, {{ name or '...' }}, or ask before, {% if name %}"
        )
    return value
