"""An aiohttp.web service. ISSUER=https://... python examples/aiohttp_service.py"""

import os

from aiohttp import web

import mintmark
from mintmark.transport.guards.aiohttp_web import CALLER, guard_middleware, require

guard = mintmark.Guard(issuer=os.environ["ISSUER"], audience="https://api.example")


@require(guard, "bookings:read")
async def bookings(request: web.Request) -> web.Response:
    return web.json_response({"bookings_of": request[CALLER].client_id})


async def health(request: web.Request) -> web.Response:
    return web.json_response({"ok": True})


app = web.Application(middlewares=[guard_middleware(guard, open_paths=["/health"])])
app.add_routes([web.get("/bookings", bookings), web.get("/health", health)])

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")), print=None)
