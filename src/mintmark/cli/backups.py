"""`mintmark backup` and `mintmark restore`: a sealed copy of a running installation, and an installation from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mintmark.cli import frame, output
from mintmark.cli.answer import Fields
from mintmark.cli.services import BackedUp, Backups, UsageFault
from mintmark.cli.typed import shown_instant

KeyFrom = Annotated[
    str | None,
    typer.Option(
        "--key-from",
        help="Where the key-encryption key is, as the setting says it: file:PATH, env:NAME or command:PROGRAM "
        "[as the configuration says, else mintmark.key beside it].",
        show_default=False,
    ),
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]


def register(app: typer.Typer, backups: Backups) -> None:
    """Add the commands to the outermost group."""

    @app.command("backup")
    def backup(
        file: File,
        check: Annotated[bool, typer.Option("--check", help="Read a backup to its end instead.")] = False,
        config: frame.Config = None,
        key_from: KeyFrom = None,
        actor: frame.Actor = None,
        as_json: frame.AsJson = False,
    ) -> None:
        """Write a sealed backup of an installation, which may be serving, or check one."""
        if check:
            with output.progress("Checking") as progress:
                made = backups.check(file, config or frame.configured(), key_from, progress)
        elif key_from is not None:
            raise UsageFault("--key-from is for --check: a backup is sealed with the configuration's key.")
        else:
            where = frame.place(config, None).config or frame.DEFAULT_CONFIG
            with output.progress("Backing up") as progress:
                made = backups.make(where, file, actor or frame.login(), progress)
        output.answer(_told(made), as_json=as_json)

    @app.command("restore")
    def restore(
        file: File,
        config: frame.Config = None,
        key_from: KeyFrom = None,
        actor: frame.Actor = None,
        as_json: frame.AsJson = False,
    ) -> None:
        """Make the database and the files beside it from a backup; nothing that is there is replaced."""
        with output.progress("Restoring") as progress:
            done = backups.restore(
                file, config or frame.configured(), key_from, actor or frame.login(), progress
            )
        fields = {
            "database": str(done.database),
            "as_of": shown_instant(done.made_at),
            "rows": sum(done.rows.values()),
            "written": list(done.written),
            "left_alone": list(done.left_alone),
        }
        output.answer(
            Fields(fields, ("Now check the audit trail: `mintmark audit verify`.",)), as_json=as_json
        )


def _told(made: BackedUp) -> Fields:
    notes = tuple(f"Not in the backup, because it lies elsewhere: {path}." for path in made.left_out)
    fields = {
        "file": str(made.path),
        "bytes": made.bytes,
        "made_at": shown_instant(made.made_at),
        "program": made.program,
        "schema": made.schema,
        "rows": {table: count for table, count in made.rows.items() if count},
        "files": list(made.files),
        "left_out": list(made.left_out),
    }
    return Fields(fields, notes)
