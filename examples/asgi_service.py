"""Any ASGI application behind the guard. ISSUER=https://... python examples/asgi_service.py"""

import json
import os

import uvicorn

import mintmark
from mintmark.transport.guards.asgi import GuardMiddleware


async def application(scope, receive, send):
    if scope["type"] != "http":
        return  # no lifespan here
    caller = scope["auth"]  # None on an open path
    body = json.dumps({"bookings_of": caller and caller.client_id}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


guard = mintmark.Guard(issuer=os.environ["ISSUER"], audience="https://api.example")
app = GuardMiddleware(application, guard, "bookings:read", open_paths=["/health"])

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")), lifespan="off", log_level="warning")
