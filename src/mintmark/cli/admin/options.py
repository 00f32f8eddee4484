"""Arguments and options that several nouns share."""

from __future__ import annotations

from typing import Annotated

import typer

Environment = Annotated[str, typer.Argument(metavar="TENANT/ENVIRONMENT", help="The environment.")]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The client's id.")]
Label = Annotated[str, typer.Option("--label", help="Text by which people recognise it.")]
Expires = Annotated[
    str | None, typer.Option("--expires", help="Period (90d), date or time of its end.", show_default=False)
]
EndsAt = Annotated[
    str | None, typer.Option("--at", help="Period (7d), date or time of the end [now].", show_default=False)
]
Scopes = Annotated[
    list[str] | None, typer.Option("--scope", help="Scope token; may be repeated.", show_default=False)
]
Audience = Annotated[str, typer.Option("--audience", help="Audience of the API.", show_default=False)]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        help='API and scopes it may ask for: "AUDIENCE SCOPE SCOPE", or "AUDIENCE *" for all that the API has now; '
        "may be repeated.",
        show_default=False,
    ),
]
Protects = Annotated[
    list[str] | None,
    typer.Option(
        "--protects",
        help="Audience of an API that it stands in front of: it may introspect its tokens and read the revocation "
        "feed; may be repeated.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before doing it.")]

SHOWN_ONCE = "The secret is shown this once: keep it now."
