"""Forms and queries as browsers send them: strictly decoded, names may repeat where a page has several of them.

Whether a name may repeat is for the page to say: `one` refuses what stands twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mintmark.wire.form import LONGEST_NAME, form_decode
from mintmark.wire.http import HttpRequest, Malformed, media_type

MOST_PAIRS = 500
LONGEST_VALUE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in, in order. It may hold secrets: print nothing of it."""

    pairs: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def one(self, name: str, default: str = "") -> str:
        """The value of `name` without spaces at its ends, or `default`. Raises Malformed when it stands twice."""
        found = self.all(name)
        if len(found) > 1:
            raise Malformed(f"The field {name} stands twice.")
        return found[0].strip() if found else default

    def all(self, name: str) -> list[str]:
        """Every value of `name`."""
        return [value for key, value in self.pairs if key == name]

    def number(self, name: str) -> int | None:
        """A whole number, or None when it was left empty. Raises Malformed."""
        text = self.one(name)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            raise Malformed(f"The field {name} must be a whole number.")
        return int(text)

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.pairs)


def read_query(request: HttpRequest) -> Form:
    """The query of a request. Raises Malformed."""
    return _read(request.query)


def read_body(request: HttpRequest) -> Form:
    """The form in the body of a request. Raises Malformed."""
    sent = request.values(b"content-type")
    if not request.body:
        return Form()
    if len(sent) != 1 or media_type(sent[0]) != "application/x-www-form-urlencoded":
        raise Malformed("The page sends its form as application/x-www-form-urlencoded.")
    return _read(request.body)


def _read(data: bytes) -> Form:
    """As `wire.form.read_form`, with names that repeat and with the line breaks of text areas."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise Malformed("The form is not percent-encoded.") from None
    pairs = text.split("&")
    if len(pairs) > MOST_PAIRS:
        raise Malformed(f"The form has more than {MOST_PAIRS} fields.")
    read = []
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name:
            lines = value.replace("%0D%0A", "%0A").split("%0A")
            read.append((form_decode(name), "\n".join(form_decode(line) for line in lines)))
    if any(len(name) > LONGEST_NAME * 4 or len(value) > LONGEST_VALUE for name, value in read):
        raise Malformed("A field of the form is too long.")
    return Form(tuple(read))
