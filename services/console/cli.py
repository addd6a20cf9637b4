"""`leads`: the operator's command line. Which commands there are; what each does is in commands/, the local stack's in stack_cli.py."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from deploy.local.layout import SetupError
from services.console import screen, stack_cli
from services.console.commands import (
    account,
    audience,
    backup,
    bench,
    books,
    config,
    dead,
    demo,
    handovers,
    health,
    hooks,
    import_,
    lead,
    mail,
    nurture,
    property_,
    queue,
    rebuild,
    review,
    routes,
    rules,
    send,
    stores,
    tail,
    topics,
)
from services.console.where import Trouble


class Leads(TyperGroup):
    """The one place where what a command can't do becomes a sentence on stderr and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except (Trouble, SetupError) as trouble:
            screen.fail(str(trouble))
            raise SystemExit(1) from None


app = typer.Typer(
    cls=Leads,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they print local variables, and those hold personal data
    help="Leadflow's operator: run the stack, watch leads, replay what died.",
    epilog="Every command finds the local stack by itself; LEADFLOW_TOKEN, LEADFLOW_KAFKA and LEADFLOW_CAPTURE_URL, "
    "LEADFLOW_ENRICH_URL ... point it at another one.",
)
app.command("demo")(demo.demo)
app.command("up")(stack_cli.up)
app.command("status")(stack_cli.status)
app.command("down")(stack_cli.down)
app.command("doctor")(stack_cli.doctor)
app.command("health")(health.health)
app.command("send")(send.send)
app.command("import")(import_.import_)
app.command("tail")(tail.tail)
app.command("rebuild")(rebuild.rebuild)
app.command("books")(books.books)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command(
    "bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False
)(bench.bench)
app.add_typer(property_.app, name="property")
app.add_typer(lead.app, name="lead")
app.add_typer(handovers.app, name="handovers")
app.add_typer(hooks.app, name="hooks")
app.add_typer(account.app, name="account")
app.add_typer(review.app, name="review")
app.add_typer(rules.app, name="rules")
app.add_typer(routes.app, name="routes")
app.add_typer(queue.app, name="queue")
app.add_typer(nurture.app, name="nurture")
app.add_typer(mail.app, name="mail")
app.add_typer(audience.app, name="audience")
app.add_typer(dead.app, name="dead")
app.add_typer(topics.app, name="topics")
app.add_typer(stores.app, name="stores")
app.add_typer(config.app, name="config")
app.add_typer(stack_cli.stack_app, name="stack")

if __name__ == "__main__":
    app()
