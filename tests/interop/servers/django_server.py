"""django-oauth-toolkit in a Django project of one file: migrated, with two applications, served on PORT."""

from __future__ import annotations

import os
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

settings.configure(
    SECRET_KEY=os.urandom(16).hex(),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}},
    OAUTH2_PROVIDER={"SCOPES": {"read": "Read", "write": "Write"}, "ACCESS_TOKEN_EXPIRE_SECONDS": 60},
)
django.setup()
urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    from oauth2_provider.models import Application

    for name in ("basic", "post"):
        Application.objects.create(
            name=name,
            client_id=name,
            client_secret=os.environ["SECRET"],
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        )
    make_server("127.0.0.1", int(os.environ["PORT"]), get_wsgi_application()).serve_forever()
