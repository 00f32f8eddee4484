"""`mintmark admin`: one module per noun, each a list of commands over the administration functions."""

from mintmark.cli.admin import (
    access_request,
    api,
    api_token,
    audit,
    client,
    environment,
    legacy_token,
    machine_user,
    mount,
    person,
    quota,
    secret,
    service_account,
    signature_key,
    signing_key,
    tenant,
    token,
    usage,
)
from mintmark.cli.frame import Noun

NOUNS: tuple[Noun, ...] = (
    tenant.noun,
    environment.noun,
    mount.noun,
    api.noun,
    client.noun,
    secret.noun,
    service_account.noun,
    machine_user.noun,
    api_token.noun,
    legacy_token.noun,
    token.noun,
    signature_key.noun,
    quota.noun,
    signing_key.noun,
    access_request.noun,
    person.noun,
    usage.noun,
    audit.noun,
)
