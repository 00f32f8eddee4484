"""`mintmark admin signature-key`: HMAC keys that sign customer ids."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import key as keys
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.cli import output
from mintmark.cli.admin.options import Audience, EndsAt, Environment, Expires, Label, Scopes, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.typed import instant, period

noun = Noun("signature-key", "Signature keys: HMAC keys with which a storefront signs customer ids.")
KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", help="The id of the key, as listed.")]


@noun.command("create")
def create(
    call: Call,
    environment: Environment,
    audience: Audience,
    scope: Scopes = None,
    label: Label = "",
    lifetime: Annotated[str, typer.Option("--lifetime", help="Of the tokens it obtains; at most 1h.")] = "1h",
    expires: Expires = None,
) -> Answer:
    """Create a signature key; it is shown once. Two may live while rotating."""
    expires_at = instant(expires, call.now, "--expires")
    given = keys.SignatureKeyToMake(
        environment, audience, tuple(scope or ()), label, period(lifetime, "--lifetime") or 0, expires_at
    )
    return Fields(call.run(keys.create, given), ("The key is shown this once: keep it now.",))


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List signature keys with state and last use."""
    found = call.run(keys.listing, OfEnvironment(environment))
    return Table(
        ("key_id", "label", "audience", "scopes", "state", "retires_at", "expires_at", "last_used_at"),
        found,
    )


@noun.command("retire")
def retire(call: Call, environment: Environment, key_id: KeyId, at: EndsAt = None) -> Answer:
    """Let a signature key end, now or at a time; tokens it obtained live on."""
    end = instant(at, call.now, "--at")
    return Fields(call.run(keys.retire, keys.SignatureKeyEnd(environment, key_id, end)))


@noun.command("revoke")
def revoke(call: Call, environment: Environment, key_id: KeyId, yes: Yes = False) -> Answer:
    """End a signature key now because it has leaked; its tokens are refused too."""
    output.confirm(f"Storefronts that sign with the key {key_id}, and its tokens, stop working.", yes=yes)
    return Fields(call.run(keys.revoke, keys.OfSignatureKey(environment, key_id)))
