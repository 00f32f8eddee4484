"""What a page says after something was done; the page before names the sentence, so that no link can put words here."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str] = {
    "signed_out": "You are signed out.",
    "session_ended": "The session has ended.",
    "sessions_ended": "Your other sessions have ended.",
    "saved": "Saved.",
    "codes_enabled": "From now on a one-time code is asked for after your password.",
    "codes_disabled": "One-time codes are off.",
    "passkey_removed": "The passkey is removed.",
    "sign_in_reset": "One-time codes and passkeys are taken away; the password stays.",
    "application_deleted": "The application is deleted; its tokens are refused from now on.",
    "disabled": "Disabled: it is refused from now on.",
    "enabled": "Enabled: it works again.",
    "secret_retired": "The secret ends as planned.",
    "secret_revoked": "The secret is revoked; what it obtained is refused from now on.",
    "token_revoked": "The API token is revoked.",
    "user_deleted": "The machine user is deleted, with the API tokens that acted for it.",
    "person_created": "The person is made and can sign in.",
    "person_deleted": "The person is deleted.",
    "tenant_created": "The tenant is made; create its environments next.",
    "tenant_deleted": "The tenant is deleted, with everything it had.",
    "environment_created": "The environment is made; create its APIs next.",
    "environment_deleted": "The environment is deleted, with everything in it.",
    "not_confirmed": "Nothing was deleted: the name was not typed as it is.",
    "key_published": "The next key is published and signs when everybody can know it.",
    "key_withdrawn": "The key is withdrawn; what it has signed is refused.",
    "key_retired": "The key ends as planned.",
    "key_revoked": "The key is revoked; what it obtained is refused from now on.",
    "request_refused": "The request is refused.",
    "hand_over_withdrawn": "The link leads nowhere now.",
    "password_changed": "The password is changed.",
}
