"""The operator's templates: `name.txt` and, where it is there, `name.html`; a notice's subject is `name.subject`. Jinja in a sandbox, read anew when a
file changes. Which fields there are, domain/mail/fields says; mistakes are found by mail/lint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, FileSystemLoader, FunctionLoader, StrictUndefined, TemplateNotFound
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.route.domain.mail.letter import Text, Unsendable

_PIXEL = '<img src="{url}" width="1" height="1" alt="">'
ENDINGS = (".txt", ".html", ".subject")
Link = Callable[[str], str]


class Refused(Exception):
    """A template does what it may not; the message says what, and holds no value."""


def environment(loader: BaseLoader, printed: Callable[[Any], Any] | None = None) -> ImmutableSandboxedEnvironment:
    """How templates are read. `printed` sees each value before it is: None is printed as nothing."""
    made = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        finalize=printed or _nothing_for_none,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=True,
    )
    made.filters["utc"] = _utc
    made.globals = {}  # no range, no lipsum: a template shows, it does not count
    return made


def folder(path: Path) -> ImmutableSandboxedEnvironment:
    """The templates in a folder."""
    return environment(FileSystemLoader(path, encoding="utf-8"))


def given(files: Mapping[str, str]) -> ImmutableSandboxedEnvironment:
    """Templates that somebody shows, not yet in a folder."""
    return environment(FunctionLoader(lambda name: (files[name], name, None) if name in files else None))


def render(
    env: ImmutableSandboxedEnvironment,
    name: str,
    *,
    subject: str,
    shown: Mapping[str, Any],
    link: Link,
    pixel: str | None = None,
) -> Text:
    """A mail's texts. `subject` is the document's, empty where the template has its own. Raises Unsendable, with file and line and nothing of what is shown."""
    told = {**shown, "link": link}
    try:
        line = env.from_string(subject) if subject else env.get_template(f"{name}.subject")
        html = _html(env, name, told)
        if html is not None and pixel is not None:
            before, end, after = html.rpartition("</body>")
            image = _PIXEL.format(url=pixel)
            html = f"{before}{image}{end}{after}" if end else html + image
        return Text(line.render(told), env.get_template(f"{name}.txt").render(told), html)
    except TemplateNotFound as error:
        raise Unsendable(f"there is no template {error.name}") from None
    except Unsendable:
        raise
    except Exception as error:  # a template may do what it likes
        raise Unsendable(f"template {place_of(error, name)}: {said_by(error)}") from None


def _html(env: ImmutableSandboxedEnvironment, name: str, told: Mapping[str, Any]) -> str | None:
    try:
        template = env.get_template(f"{name}.html")
    except TemplateNotFound as error:
        if error.name != f"{name}.html":
            raise
        return None
    return template.render(told)


def place_of(error: BaseException, otherwise: str) -> str:
    """`file:line` where a template failed: the innermost line of a template that the error passed through."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name or 'subject'}:{error.lineno}"
    found, trace = otherwise, error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file == "<template>":
            found = f"subject:{trace.tb_lineno}"
        elif file.endswith(ENDINGS):
            found = f"{Path(file).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def said_by(error: BaseException) -> str:
    """What is wrong, in words that hold no value: jinja's own about names and syntax, the kind of all others."""
    return str(error) if isinstance(error, TemplateError | Refused) else type(error).__name__


def _nothing_for_none(value: Any) -> Any:
    return "" if value is None else value


def _utc(moment: str | None) -> str:
    """A moment of an event for people: Mon 2 Mar 2026 09:30 UTC. Nothing where there is none."""
    if not moment:
        return ""
    at = datetime.fromisoformat(moment).astimezone(UTC)
    return f"{at:%a} {at.day} {at:%b %Y %H:%M} UTC"
