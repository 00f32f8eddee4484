"""A Flask service: a decorated view and a blueprint. ISSUER=https://... python examples/flask_service.py"""

import os

from flask import Blueprint, Flask, g

import mintmark
from mintmark.transport.guards.flask import protect, require

guard = mintmark.Guard(issuer=os.environ["ISSUER"], audience="https://api.example")
app = Flask(__name__)


@app.get("/bookings")
@require(guard, "bookings:read")
def bookings() -> dict[str, str]:
    return {"bookings_of": g.caller.client_id}


office = Blueprint("office", __name__, url_prefix="/office")
protect(office, guard, "bookings:cancel")  # every route of the blueprint


@office.delete("/bookings/<number>")
def cancel(number: str) -> dict[str, str]:
    return {"cancelled": number, "by": g.caller.client_id}


app.register_blueprint(office)

if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8000")))
