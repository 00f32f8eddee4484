"""The credentials file that a vendor hands out, with exactly its keys in its order (Omnissa Intelligence: JSON)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mintmark.dialect.model import Dialect
from mintmark.dialect.template import Captured, Mismatch, Node, Table, fill, match, places
from mintmark.values.secret import Secret
from mintmark.wire.jsonobject import read_object

LARGEST = 65536


def write_keyfile(dialect: Dialect, values: Mapping[str, str | Secret]) -> str:
    """The file's text, indented by two, ending in a newline. Several values of a list are separated by spaces.

    Raises ValueError when the dialect has no credentials file or a value is missing.
    """
    template = _template(dialect)
    for place in places(template):
        if not values.get(place.name):
            raise ValueError(f"the credentials file needs {place.name}")

    def value(name: str) -> object:
        held = values[name]
        return held.reveal() if isinstance(held, Secret) else held

    return json.dumps(fill(template, value), indent=2, ensure_ascii=False) + "\n"


def read_keyfile(dialect: Dialect, text: str) -> dict[str, str | Secret]:
    """Canonical values of the file, `client_secret` as a `Secret`; keys that the dialect does not name are ignored.

    Raises ValueError with one sentence that repeats no value.
    """
    template = _template(dialect)
    if len(text) > LARGEST:
        raise ValueError("the credentials file is too large")
    found: Captured = {}
    try:
        match(template, read_object(text.encode("utf-8", "surrogatepass")), found)
    except Mismatch as error:
        raise ValueError(f"the credentials file does not fit the dialect '{dialect.name}': {error}") from None
    for key, node in template.members:
        for place in places(node):
            if place.name not in found:
                raise ValueError(f"the credentials file lacks '{key}'")
    return {
        name: Secret(str(value)) if name == "client_secret" else str(value) for name, value in found.items()
    }


def _template(dialect: Dialect) -> Table:
    template: Node | None = dialect.keyfile
    if not isinstance(template, Table):
        raise ValueError(f"the dialect '{dialect.name}' has no credentials file")
    return template
