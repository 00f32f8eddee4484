"""The commands that are programs of their own: demo, serve, init, migrate, version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mintmark.cli import frame, output, secret_input
from mintmark.cli.answer import Fields
from mintmark.cli.services import DemoOptions, Initialised, InitOptions, ServeOptions, Services, UsageFault

DEMO_DIRECTORY = Path(".mintmark")
PUBLIC_URL = "http://127.0.0.1:8080"

#: As the setting `workers` has it.
MOST_WORKERS = 64

Port = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on.", show_default=False)
]
DemoPort = Annotated[
    int | None,
    typer.Option(
        "--port", min=0, max=65535, help="Port to listen on; 0 is any free one.", show_default=False
    ),
]


def register(app: typer.Typer, services: Services) -> None:
    """Add the commands to the outermost group."""

    @app.command("demo")
    def demo(
        host: Annotated[str, typer.Option("--host", help="Loopback address to listen on.")] = "127.0.0.1",
        port: DemoPort = None,
        directory: Annotated[
            Path, typer.Option("--directory", help="Where data and credentials are kept.")
        ] = DEMO_DIRECTORY,
        credentials_out: Annotated[
            Path | None,
            typer.Option(
                "--credentials-out", help="File to write the credentials to, as JSON.", show_default=False
            ),
        ] = None,
    ) -> None:
        """Run the server with sample tenants, and print commands to try."""
        services.demo(DemoOptions(directory, host, port, credentials_out), output.say)

    @app.command("serve")
    def serve(
        config: frame.Config = None,
        workers: Annotated[
            int | None,
            typer.Option("--workers", min=1, max=MOST_WORKERS, help="Processes.", show_default=False),
        ] = None,
        host: Annotated[
            str | None, typer.Option("--host", help="Address to listen on.", show_default=False)
        ] = None,
        port: Port = None,
        tls_cert: Annotated[
            Path | None, typer.Option("--tls-cert", help="Certificate chain (PEM).", show_default=False)
        ] = None,
        tls_key: Annotated[
            Path | None,
            typer.Option("--tls-key", help="Private key of the certificate (PEM).", show_default=False),
        ] = None,
    ) -> None:
        """Run the server. Options stand above the configuration file."""
        where = frame.place(config, None).config
        if where is None:  # pragma: no cover - without a directory it is a configuration
            raise UsageFault("Name a configuration file with --config.")
        if (tls_cert is None) != (tls_key is None):
            raise UsageFault("--tls-cert and --tls-key go together: name both, or neither.")
        services.serve(ServeOptions(where, workers, host, port, tls_cert, tls_key), output.say)

    @app.command("init")
    def init(
        directory: Annotated[
            Path, typer.Option("--directory", help="Where the configuration and the data go.")
        ] = Path(),
        non_interactive: Annotated[
            bool,
            typer.Option("--non-interactive", help="Ask nothing; generate the password unless one is given."),
        ] = False,
        public_url: Annotated[
            str | None,
            typer.Option("--public-url", help=f"URL of the server [{PUBLIC_URL}].", show_default=False),
        ] = None,
        operator: Annotated[
            str | None,
            typer.Option("--operator", help="User name of the first operator.", show_default=False),
        ] = None,
        database: Annotated[
            str | None,
            typer.Option(
                "--database", help="postgresql://USER@HOST/NAME [a file, mintmark.db].", show_default=False
            ),
        ] = None,
        database_password: Annotated[
            str | None,
            typer.Option(
                "--database-password-from",
                help="Where the password for it is: file:PATH, env:NAME or command:PROGRAM.",
                show_default=False,
            ),
        ] = None,
        password_file: secret_input.PasswordFile = None,
        password_stdin: secret_input.PasswordStdin = False,
        password_env: secret_input.PasswordEnvironment = None,
        as_json: frame.AsJson = False,
    ) -> None:
        """Write a commented configuration and create the first operator."""
        given = password_file is not None or password_stdin or password_env is not None
        if not non_interactive:
            public_url = public_url or output.ask("URL of the server", PUBLIC_URL)
            operator = operator or output.ask("User name of the first operator", "operator")
        password = None
        if given or not non_interactive:
            password = secret_input.read("password", password_file, password_stdin, password_env)
        made = services.init(
            InitOptions(
                directory,
                operator or "operator",
                password,
                public_url or PUBLIC_URL,
                database,
                database_password,
            )
        )
        output.answer(_initialised(made), as_json=as_json)

    @app.command("migrate")
    def migrate(
        config: frame.Config = None,
        directory: frame.Directory = None,
        no_backup: Annotated[
            bool, typer.Option("--no-backup", help="Of a PostgreSQL database: a backup was made already.")
        ] = False,
        as_json: frame.AsJson = False,
    ) -> None:
        """Bring the database up to this version of the program; a backup is made first."""
        done = services.migrate(frame.place(config, directory), no_backup)
        backup = None if done.backup is None else str(done.backup)
        output.answer(Fields({"before": done.before, "after": done.after, "backup": backup}), as_json=as_json)

    @app.command("version")
    def version(as_json: frame.AsJson = False) -> None:
        """Show the version of the program."""
        if as_json:
            output.json_line({"version": services.version})
        else:
            output.say(f"mintmark {services.version}")


def _initialised(made: Initialised) -> Fields:
    fields: dict[str, object] = {"written": [str(path) for path in made.written], "operator": made.operator}
    if made.password is None:
        return Fields(fields)
    return Fields({**fields, "password": made.password}, ("The password is shown this once: keep it now.",))
