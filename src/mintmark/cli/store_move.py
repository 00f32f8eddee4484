"""`mintmark migrate-store`: the database of an installation to another place, a file or PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.cli import frame, output
from mintmark.cli.answer import Fields
from mintmark.cli.services import Services, StoreMove

_PASSWORD = "file:PATH, env:NAME or command:PROGRAM"


def register(app: typer.Typer, services: Services) -> None:
    """Add the command to the outermost group."""

    @app.command("migrate-store")
    def migrate_store(
        source: Annotated[
            str, typer.Argument(metavar="FROM", help="A file, or postgresql://USER@HOST/NAME.")
        ],
        target: Annotated[str, typer.Argument(metavar="TO", help="The same; it must be empty.")],
        from_password: Annotated[
            str,
            typer.Option("--database-password-from", help=f"Of FROM: {_PASSWORD}.", show_default=False),
        ] = "",
        to_password: Annotated[
            str,
            typer.Option("--target-password-from", help=f"Of TO: {_PASSWORD}.", show_default=False),
        ] = "",
        as_json: frame.AsJson = False,
    ) -> None:
        """Copy everything from one database into another; stop the servers first. Repeat it to go on."""
        with output.progress("Moving") as progress:
            moved = services.move_store(StoreMove(source, target, from_password, to_password), progress)
        fields = {
            "from": moved.source,
            "to": moved.target,
            "rows": {table: count for table, count in moved.rows.items() if count},
            "sha256": dict(moved.digests) if as_json else "the same in every table",
        }
        note = "Now name it as `database` in the configuration, then start the servers and run `mintmark audit verify`."
        output.answer(Fields(fields, (note,)), as_json=as_json)
