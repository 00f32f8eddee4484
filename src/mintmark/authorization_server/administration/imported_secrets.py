"""Secrets and passwords that somebody else chose, checked and hashed before the transaction (argon2id is
slow).

What is presented later is checked by its shape: our own format as a keyed hash, anything else as argon2id. So
a foreign secret that looks like one of ours could never match, and is refused here.
"""

from __future__ import annotations

from mintmark.authorization_server.administration.act import Act, AdministrationFault
from mintmark.values.secret import Secret, new_identifier, shape_of

LONGEST = 1024
SHORTEST_PASSWORD = 12
GENERATED_PASSWORD = 24


def digest(act: Act, secret: Secret) -> str:
    """argon2id of a secret from another server: 1 to 1024 printable ASCII characters (RFC 6749 appendix A.2)."""
    refuse_unfit(secret)
    return act.hash_password(secret.reveal())


def refuse_unfit(secret: Secret) -> None:
    """Raises AdministrationFault when a secret from another server could never be checked here."""
    text = secret.reveal()
    if not (text.isascii() and text.isprintable() and 0 < len(text) <= LONGEST):
        raise AdministrationFault(f"The secret must be 1 to {LONGEST} printable ASCII characters.")
    if shape_of(text) is not None:
        raise AdministrationFault(
            "The secret has the format of those that are generated here and would not be checked as an "
            "imported one: add a new secret instead."
        )


def password_digest(act: Act, password: Secret, *, imported: bool = False) -> str:
    """argon2id of a password that a person chose: 12 to 1024 characters, an imported one from 1."""
    text = password.reveal()
    shortest = 1 if imported else SHORTEST_PASSWORD
    if not text.isprintable() or not shortest <= len(text) <= LONGEST:
        raise AdministrationFault(f"The password must be {shortest} to {LONGEST} printable characters.")
    return act.hash_password(text)


def new_password(act: Act) -> Secret:
    """A generated password: 24 letters and digits (142 random bits)."""
    return Secret(new_identifier(act.entropy, GENERATED_PASSWORD))
