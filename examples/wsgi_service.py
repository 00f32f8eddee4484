"""Any WSGI application behind the guard. ISSUER=https://... python examples/wsgi_service.py"""

import json
import os
from wsgiref.simple_server import make_server

import mintmark
from mintmark.transport.guards.wsgi import GuardMiddleware


def application(environ, start_response):
    caller = environ["mintmark.caller"]  # None on an open path
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"bookings_of": caller and caller.client_id}).encode()]


guard = mintmark.Guard(issuer=os.environ["ISSUER"], audience="https://api.example")
app = GuardMiddleware(application, guard, "bookings:read", open_paths=["/health"])

if __name__ == "__main__":
    make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), app).serve_forever()
