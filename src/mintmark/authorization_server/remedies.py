"""What to do about a refusal: reason -> one sentence for the owner of the credential or the operator.

Reasons are the stable words of the audit trail. Outside, several of them look alike on purpose; whoever owns the
credential finds the true one here by the request id.
"""

from __future__ import annotations

from collections.abc import Mapping

REMEDIES: Mapping[str, str] = {
    # the request itself
    "malformed_request": "Compare the request with the example of its dialect (`mintmark dialect show`): a parameter "
    "is missing, repeated, malformed or in two places.",
    "unsupported_grant_type": "Send the grant_type that this token endpoint takes, as its dialect shows.",
    "mount_removed": "The token endpoint was removed while the request was under way: use another one.",
    "mount_ended": "This token endpoint was ended on a date: move the program to the one that replaces it.",
    "missing_parameter": "Send what is missing: the example of the dialect shows every parameter (`mintmark dialect "
    "show`).",
    "misplaced_parameter": "Send the parameter where the dialect has it (`mintmark dialect show`), and nowhere else.",
    "wrong_value": "Send the one value that this parameter may have, as the dialect's example shows.",
    "wrong_scope": "Send the one scope that this token endpoint takes, as the dialect's example shows, or none.",
    "wrong_method": "Send the request with the method of the dialect, mostly POST.",
    "too_large": "Send the token request alone: no honest one is as large as this.",
    "two_authentications": "Send the client's id and secret in one place: in the Authorization header, or in the body.",
    "unsupported_authentication": "Write the Authorization header as the dialect has it: mostly Basic, with id and "
    "secret in base64.",
    "no_credentials": "Send id and secret, or user name and password, where the dialect has them.",
    # the client and its secret
    "unknown_client": "No client of this environment has this id: check the id, and that the request goes to the right "
    "environment.",
    "wrong_secret": "The secret is not one of this client's: check which one the program holds, or add a new one.",
    "secret_mistyped": "The secret has a typing error (its checksum is wrong): copy it again as a whole.",
    "secret_expired": "This secret has expired or its overlap is over: give the program the newest one, or add one.",
    "secret_revoked": "This secret was revoked: add a new one and give it to the program.",
    "imported_secret_not_admitted": "Imported secrets are not admitted at this token endpoint: use one that admits "
    "them, or give the program a generated secret.",
    "client_disabled": "The client is disabled: enable it when the cause is gone.",
    "environment_disabled": "The environment is disabled: enable it when the cause is gone.",
    "tenant_disabled": "The tenant is disabled: enable it when the cause is gone.",
    # what was asked for
    "grant_not_allowed": "This client may not use this grant: allow it, or use another client.",
    "scope_missing": "Name the scope that this API asks for.",
    "scope_malformed": "Write the scope as tokens separated by single spaces.",
    "scope_unknown": "The API has no such scope: check its spelling against the API's scopes.",
    "scope_not_allowed": "Allow the client this scope, or ask for less.",
    "audience_missing": "Name the audience: the client is allowed none, or several.",
    "audience_ambiguous": "Ask for one audience at a time.",
    "audience_unknown": "No API of this environment has this audience: check its spelling.",
    "audience_not_allowed": "Allow the client this API, or ask for another.",
    "api_disabled": "The API is disabled for this tenant: enable it.",
    # people and signatures beside the client
    "user_missing": "Send user name and password of a machine user beside the client.",
    "unknown_user": "No machine user of this environment has this name: check it, or create the user.",
    "wrong_password": "The password is wrong: give the program the present one, or change it.",
    "user_disabled": "The machine user is disabled: enable it when the cause is gone.",
    "login_not_allowed": "This machine user may not use the proxy login: allow it, with the audience of an API.",
    "subject_malformed": "Send the customer's id in decimal.",
    "signature_malformed": "Send the signature as 64 hexadecimal digits.",
    "wrong_signature": "No live signature key made this signature: check which key the storefront signs with.",
    # people at the console
    "sign_in_failed": "The password is wrong, or the person is locked out: whoever administers their organization here "
    "can give them another password or let them in again.",
    "sign_in_unknown_person": "Nobody has this user name: those of an organization's people end in @ and its handle.",
    # limits
    "daily_limit": "The client has used up its tokens of the day: reuse tokens until they expire, or raise its quota.",
    "tenant_daily_limit": "The tenant has used up its tokens of the day: see which client asks so often, or raise the "
    "quota.",
    "rate_client": "The client asks too often: reuse tokens until they expire, or raise its limit per minute.",
    "rate_tenant": "All programs of the tenant together ask too often: see which one does, or raise the tenant's limit "
    "per minute.",
    "rate_address": "Programs at this address ask too often together: reuse tokens, or raise the environment's limit "
    "per address; if the address is a proxy's, declare it in trusted_proxies.",
    "rate_subject": "This customer's storefront asks too often: keep the token until it expires.",
    "failed_attempts": "Too many wrong secrets from this address: mend the program that sends them, then wait.",
    # tokens that were issued
    "reissued": "Nothing to do: the token of before was given out again, as its environment has it.",
    # introspection, revocation and the revocation feed
    "not_a_protected_resource": "Say which APIs the client stands in front of: `mintmark admin client change "
    "--protects AUDIENCE`.",
    "token_of_another_client": "Revoke a token with the client that it was issued to, or as an operator with "
    "`mintmark admin token revoke`.",
    "gap": "Nothing to do: the guard reads a snapshot and goes on.",
    "feed_busy": "Too many guards wait at one worker: add workers, or let instances of an API share a guard.",
    "no_such_list": "Nothing to do: the tokens on that status list have expired, or no issuer here gave that address.",
    "no_past_list": "Ask for the status list as it is now, without the parameter time.",
    "not_acceptable": "Ask for the status list with Accept: application/statuslist+jwt.",
    "no_signing_key": "The environment has no signing key: rotate its signing keys.",
    # the server
    "keys_unusable": "The environment's keys cannot be used: see the server's log, then rotate its signing keys.",
    "storage_unavailable": "The database could not be read or written: check its disk and the server's log.",
    "slow_checks_busy": "Too many imported secrets or passwords were being checked: try again, or move programs to "
    "generated secrets.",
    "changing_too_fast": "What the request rests on was changed again and again: try again.",
    # tokens presented to an API
    "no_token": "Send the token as `Authorization: Bearer TOKEN`.",
    "other_scheme": "Send the token under the scheme Bearer: `Authorization: Bearer TOKEN`.",
    "malformed_header": "Send exactly one Authorization header, `Bearer` and the token.",
    "malformed": "Send the access token as it was issued, whole: what came is not one.",
    "unknown_key": "The token was signed with a key that its issuer does not publish: ask for a new one, at the right "
    "token endpoint.",
    "wrong_algorithm": "The token's algorithm is not that of its key: it was not issued here; find out who sends it.",
    "bad_signature": "The token was changed or forged: send it as it was issued, and find out who sends it.",
    "wrong_type": "This is not an access token: send the access_token of the token endpoint's answer.",
    "sender_constrained": "The token is bound to a key of its client, which this API does not check: ask for a plain "
    "one.",
    "missing_claim": "The token lacks a claim that this API needs: ask for a new one, at the right token endpoint.",
    "not_yet_valid": "The token is not valid yet: set the clocks of the server and of the API right.",
    "lifetime_too_long": "The token lives longer than this API admits: shorten the lifetime of the API's tokens.",
    "expired": "The token has expired: ask for a new one.",
    "wrong_issuer": "The token is from another environment: ask the right token endpoint.",
    "wrong_audience": "The token is for another API: ask for one with this API's audience.",
    "not_active": "The token was revoked, or what obtained it was disabled or deleted: ask for a new one.",
    "revocations_unknown": "Which tokens were revoked could not be learned for too long: check that the API reaches "
    "the issuer's revocation feed.",
    # requests that a proxy asks about
    "undeclared_proxy": "Who asked is not among the guard's proxies: add its address to them, if it is one of yours.",
    "request_not_described": "Let the proxy say the method and the path of the request that it asks about.",
    "ambiguous_request": "Let the proxy describe the request once and in one way.",
    "ambiguous_method": "Send the method as one word in capitals.",
    "ambiguous_path": "Send the path in its plain form: what else it could mean is not guessed.",
    "no_route": "No rule of the guard speaks of this path: add one, or correct the path.",
    "method_not_admitted": "No rule of the guard admits this method here: add one, or use another method.",
    "status_unavailable": "Whether the token is still good could not be asked: check that the issuer can be reached.",
}
UNKNOWN = "No remedy is known for this reason: look at the detail and at the server's log."


def remedy(reason: str) -> str:
    """The remedy for a reason of the audit trail."""
    return REMEDIES.get(reason, UNKNOWN)
