"""A Django REST framework service in one file. ISSUER=https://... python examples/drf_service.py"""

import os
from wsgiref.simple_server import make_server

from django.conf import settings

anonymous = {"UNAUTHENTICATED_USER": None}  # without django.contrib.auth there is no AnonymousUser
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], REST_FRAMEWORK=anonymous)

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.renderers import JSONRenderer  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

import mintmark  # noqa: E402
from mintmark.transport.guards.drf import GuardAuthentication, HasScope  # noqa: E402


class TokenAuthentication(GuardAuthentication):
    guard = mintmark.Guard(issuer=os.environ["ISSUER"], audience="https://api.example")


class Bookings(APIView):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (HasScope("bookings:read"),)
    renderer_classes = (JSONRenderer,)

    def get(self, request):
        return Response({"bookings_of": request.auth.client_id, "user": str(request.user)})


urlpatterns = [path("bookings", Bookings.as_view())]

if __name__ == "__main__":
    make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), get_wsgi_application()).serve_forever()
