"""The doors of Django REST framework: an authentication class and the permission `HasScope`.

``request.auth`` is the caller, ``request.user`` an `ApiClient`: no row of a database stands behind either. A view
without a permission class lets everyone in, as always there: set one, or a default.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from mintmark.resource_server.caller import Caller
from mintmark.transport.guards.django import raw_headers
from mintmark.transport.guards.entrance import Guard, checked
from mintmark.values.errors import OAuthError
from mintmark.wire.bearer import no_token
from mintmark.wire.http import HttpResponse


@dataclass(frozen=True, slots=True)
class ApiClient:
    """The calling program in the place of a user, with no more rights than its token."""

    caller: Caller
    is_authenticated: ClassVar[bool] = True
    is_active: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False
    is_staff: ClassVar[bool] = False
    is_superuser: ClassVar[bool] = False

    @property
    def pk(self) -> str:
        """Tells clients of all tenants apart, as throttles need it."""
        return f"{self.caller.tenant}/{self.caller.client_id}"

    def get_username(self) -> str:
        """The client's id."""
        return self.caller.client_id

    def __str__(self) -> str:
        return self.caller.client_id

    def has_perm(self, perm: str, obj: object = None) -> bool:  # noqa: ARG002 - Django names them
        """Never: what a token permits are its scopes."""
        return False


class Refused(APIException):
    """The guard's answer: its status and body, challenge and Retry-After."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__(json.loads(answer.body))
        self.status_code = answer.status
        challenges, waits = answer.values(b"www-authenticate"), answer.values(b"retry-after")
        if challenges:
            self.auth_header = challenges[0].decode("ascii")
        if waits:
            self.wait = int(waits[0])


class GuardAuthentication(BaseAuthentication):
    """Subclass it with your guard and name the subclass in ``DEFAULT_AUTHENTICATION_CLASSES``.

    A request without a token is left to the classes after it. A token that is not good, or cannot be
    checked, is refused here.
    """

    guard: ClassVar[Guard]

    def authenticate(self, request: Request) -> tuple[ApiClient, Caller] | None:
        """The calling program, or None when no token was sent. Raises Refused."""
        try:
            caller = self.guard.verify(raw_headers(request))
        except OAuthError as error:
            if error.code == no_token().code:
                return None
            raise Refused(self.guard.refusal(error)) from None
        return ApiClient(caller), caller

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework names it
        """The challenge that keeps 401 from becoming 403."""
        return self.guard.refusal(no_token()).values(b"www-authenticate")[0].decode("ascii")


def HasScope(*scopes: str) -> type[BasePermission]:  # noqa: N802 - it stands where permission classes stand
    """A permission class: the token that the view's `GuardAuthentication` took must have all of `scopes`.

    A request that was authenticated in another way is refused.
    """

    checked(scopes)

    class Scoped(BasePermission):
        def has_permission(self, request: Request, view: APIView | Any) -> bool:  # noqa: ARG002
            for authenticator in request.authenticators or ():
                if isinstance(authenticator, GuardAuthentication):
                    guard = authenticator.guard
                    try:
                        guard.verify(raw_headers(request), *scopes)
                    except OAuthError as error:
                        raise Refused(guard.refusal(error, *scopes)) from None
                    return isinstance(request.auth, Caller)
            return False

    return Scoped
