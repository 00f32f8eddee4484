"""A FastAPI service; /docs shows what each operation needs. ISSUER=https://... python examples/fastapi_service.py"""

import os

import uvicorn
from fastapi import Depends, FastAPI

import mintmark
from mintmark.resource_server.caller import Caller
from mintmark.transport.guards.fastapi import attach, describe

issuer = os.environ["ISSUER"]
guard = mintmark.Guard(issuer=issuer, audience="https://api.example")
describe(guard, token_url=f"{issuer}/oauth/token", scopes={"bookings:read": "Look bookings up."})

app = FastAPI(title="Bookings")
attach(app, guard)


@app.get("/bookings")
async def bookings(caller: Caller = Depends(guard.require("bookings:read"))) -> dict[str, str]:
    return {"bookings_of": caller.client_id}


@app.get("/health")
async def health() -> str:
    return "ok"


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")), log_level="warning")
