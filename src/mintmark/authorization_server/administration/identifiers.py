"""Identifiers that we make: letters and digits, by the environment's template for clients, new ones on
collision.

Where a client id carries more than letters and digits it travels in raw Basic (Omnissa Intelligence), whose
page pipes ``id:secret`` through ``base64``; that wraps after 57 bytes, so such ids are kept short.
"""

from __future__ import annotations

from collections.abc import Callable

from mintmark.authorization_server.administration.act import AdministrationFault, conflict
from mintmark.values.secret import new_identifier
from mintmark.values.tenancy import Environment

Entropy = Callable[[int], bytes]

PLAIN_TEMPLATE = "{id}"
PLAIN_LENGTH, TEMPLATE_LENGTH = 20, 8
SECRET_LENGTH = 40
#: Bytes that `base64` (coreutils) turns into one line of 76 characters.
LONGEST_BASIC = 57
LONGEST_RAW_ID = LONGEST_BASIC - 1 - SECRET_LENGTH
VERSION_LENGTH = 6
ATTEMPTS = 20


def client_id(environment: Environment, entropy: Entropy) -> str:
    """A new client id by the environment's template: 20 lower-case characters alone, 8 within a template."""
    template = environment.client_id_template
    length = PLAIN_LENGTH if template == PLAIN_TEMPLATE else TEMPLATE_LENGTH
    made = _filled(template, new_identifier(entropy, length, lower=True), environment.tenant)
    if template != PLAIN_TEMPLATE:
        refuse_long(template, environment.tenant)
    return made


def refuse_long(template: str, tenant: str) -> None:
    """Raise AdministrationFault when ids by `template`, with a secret, are longer than raw Basic may be here."""
    length = PLAIN_LENGTH if template == PLAIN_TEMPLATE else TEMPLATE_LENGTH
    size = len(_filled(template, "x" * length, tenant))
    if size > LONGEST_RAW_ID:
        raise AdministrationFault(
            f"Client ids by the template '{template}' have {size} characters for the tenant {tenant}, and "
            f"raw Basic allows {LONGEST_RAW_ID} (id, colon and secret within {LONGEST_BASIC} bytes, where "
            f"base64 wraps): put a shorter text beside {{id}}, which takes {TEMPLATE_LENGTH} in a template, "
            "or a shorter tenant handle."
        )


def version_id(entropy: Entropy) -> str:
    """A new id of a secret version, API token or signature key: it stands inside the generated secret."""
    return new_identifier(entropy, VERSION_LENGTH)


def user_id(entropy: Entropy) -> str:
    """A new id of a machine user or an access request."""
    return new_identifier(entropy, PLAIN_LENGTH, lower=True)


def fresh(make: Callable[[], str], taken: Callable[[str], object | None]) -> str:
    """The first of several made identifiers that is not taken. Raises AdministrationFault when all are."""
    for _ in range(ATTEMPTS):
        made = make()
        if taken(made) is None:
            return made
    raise conflict(
        "No free identifier was found: the randomness repeats itself; check the machine's source of it."
    )


def _filled(template: str, identifier: str, tenant: str) -> str:
    return template.replace("{id}", identifier).replace("{tenant}", tenant)
