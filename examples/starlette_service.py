"""A Starlette service with a websocket. ISSUER=https://... python examples/starlette_service.py"""

import os

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

import mintmark
from mintmark.transport.guards.starlette import metadata_routes, require

guard = mintmark.Guard(issuer=os.environ["ISSUER"], audience="https://api.example")


@require(guard, "bookings:read")
async def bookings(request: Request) -> JSONResponse:
    return JSONResponse({"bookings_of": request.auth.client_id})


@require(guard, "bookings:read")
async def live(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json({"bookings_of": socket.auth.client_id})
    await socket.close()


routes = [Route("/bookings", bookings), WebSocketRoute("/live", live), *metadata_routes(guard)]
app = Starlette(routes=routes)

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")), log_level="warning")
