"""Passkeys in the browser (WebAuthn level 2, by the library of that name): options for it, and its answers checked.

A challenge travels in a ticket beside the options, so that nothing is remembered between the two requests.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from mintmark.values.passkey import Passkey


class PasskeyFault(Exception):
    """The browser's answer is not acceptable; one sentence."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys are for: `host` is the relying party's id, `origin` what the browser must have been on."""

    host: str
    origin: str

    @classmethod
    def of(cls, public_url: str) -> Site | None:
        """The site of a public URL; None where browsers offer no passkeys: on bare addresses."""
        parts = urlsplit(public_url)
        host = parts.hostname or ""
        try:
            ip_address(host)
        except ValueError:
            return cls(host, f"{parts.scheme}://{parts.netloc}")
        return None


def registration(
    site: Site, username: str, name: str, handle: bytes, known: list[Passkey], challenge: bytes
) -> Any:
    """The options of ``navigator.credentials.create``, as JSON says them."""
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name="Mintmark",
        user_id=handle,
        user_name=username,
        user_display_name=name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id)) for each in known],
    )
    return json.loads(webauthn.options_to_json(options))


def registered(site: Site, credential: str, challenge: bytes) -> tuple[str, str, int]:
    """Id, public key and counter of a new passkey. Raises PasskeyFault."""
    try:
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyFault("The browser's answer is not that of a new passkey: try again.") from None
    return (
        bytes_to_base64url(found.credential_id),
        bytes_to_base64url(found.credential_public_key),
        found.sign_count,
    )


def authentication(site: Site, challenge: bytes) -> Any:
    """The options of ``navigator.credentials.get``: whichever passkey of this site the person has."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    return json.loads(webauthn.options_to_json(options))


def named_in(credential: str) -> str:
    """The id of the passkey that an answer is of; empty when it is not readable."""
    try:
        found = json.loads(credential)["id"]
    except (ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""


def authenticated(site: Site, passkey: Passkey, credential: str, challenge: bytes) -> int:
    """The counter after this use. Raises PasskeyFault."""
    try:
        found = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.uses,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyFault("This passkey does not sign in here.") from None
    return found.new_sign_count
