"""A Django service in one file. ISSUER=https://... python examples/django_service.py"""

import os
from wsgiref.simple_server import make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

import mintmark
from mintmark.transport.guards.django import guard_middleware, require

guard = mintmark.Guard(issuer=os.environ["ISSUER"], audience="https://api.example")
middleware = guard_middleware(guard, open_paths=["/health"])  # every other path needs a token


@require(guard, "bookings:read")  # and this view a scope
def bookings(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"bookings_of": request.caller.client_id})


def health(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ok": True})


urlpatterns = [path("bookings", bookings), path("health", health)]

if __name__ == "__main__":
    settings.configure(
        ROOT_URLCONF=__name__, MIDDLEWARE=[f"{__name__}.middleware"], ALLOWED_HOSTS=["127.0.0.1"]
    )
    make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), get_wsgi_application()).serve_forever()
