"""How one value is spelled inside a message: the word after the colon in ``${expires_in:quoted-seconds}``.

A format turns a canonical value into what stands on the wire and back. Canonical values are text, except
instants (whole seconds since the epoch) and durations (whole seconds). Raises ValueError, never with the input.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Literal

Kind = Literal["text", "instant", "duration", "any"]
_DIGITS = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d{1,12})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
#: No instant or duration beyond this (the year 9999) makes sense.
LATEST = 253402300799


@dataclass(frozen=True, slots=True)
class Format:
    """`kind`: which canonical values it takes. `write(value, textual)` and `read(wire, textual)`: `textual` is
    true where only text can stand (form, query, header, cookie, inside a longer string)."""

    name: str
    kind: Kind
    write: Callable[[object, bool], object]
    read: Callable[[object, bool], object]


def _text(value: object, _: bool) -> object:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def _number(value: object, textual: bool) -> int:
    if textual and isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


def _numeric(name: str, kind: Kind, per_second: float = 1, *, quoted: bool = False) -> Format:
    def write(value: object, textual: bool) -> object:
        if not isinstance(value, int):
            raise ValueError("must be whole seconds")
        number = int(value * per_second)
        return str(number) if textual or quoted else number

    def read(wire: object, textual: bool) -> object:
        if quoted and not isinstance(wire, str):
            raise ValueError("must be a whole number in quotes")
        number = _number(wire, textual or quoted)
        if not 0 <= number / per_second <= LATEST:
            raise ValueError("must be a time that makes sense")
        return int(number / per_second)

    return Format(name, kind, write, read)


def _write_integer(value: object, textual: bool) -> object:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return value if textual else int(value)
    raise ValueError("must be a whole number")


def _read_integer(wire: object, textual: bool) -> object:
    return str(_number(wire, textual))


def _read_text_or_integer(wire: object, textual: bool) -> object:
    return wire if isinstance(wire, str) else str(_number(wire, textual))


def _write_list(value: object, textual: bool) -> object:
    items = str(_text(value, textual)).split(" ")
    return " ".join(items) if textual else items


def _read_list(wire: object, textual: bool) -> object:
    if textual:
        return _text(wire, textual)
    if not isinstance(wire, list) or not all(
        isinstance(item, str) and item and " " not in item for item in wire
    ):
        raise ValueError("must be an array of text without spaces")
    return " ".join(wire)


def _write_base64(value: object, textual: bool) -> object:
    return b64encode(str(_text(value, textual)).encode()).decode()


def _read_base64(wire: object, textual: bool) -> object:
    try:
        return b64decode(str(_text(wire, textual)), validate=True).decode()
    except ValueError:
        raise ValueError("must be Base64 of UTF-8 text") from None


def _write_json(value: object, textual: bool) -> object:
    return json.dumps(str(_text(value, textual)))[1:-1]


def _read_json(wire: object, textual: bool) -> object:
    try:
        text: object = json.loads(f'"{_text(wire, textual)}"')
    except ValueError:
        raise ValueError("must be the inside of a JSON string") from None
    return text


def _instant(name: str, spell: Callable[[datetime], str], read: Callable[[str], datetime]) -> Format:
    def write(value: object, _: bool) -> object:
        if not isinstance(value, int):
            raise ValueError("must be whole seconds since the epoch")
        return spell(datetime.fromtimestamp(value, UTC))

    def understand(wire: object, _: bool) -> object:
        if not isinstance(wire, str) or len(wire) > 64:
            raise ValueError("must be a date and time")
        try:
            instant = int(read(wire).timestamp())
        except (ValueError, OverflowError, TypeError, IndexError):
            raise ValueError("must be a date and time") from None
        if instant < 0:
            raise ValueError("must be a time that makes sense")
        return instant

    return Format(name, "instant", write, understand)


def _iso(zone_needed: bool) -> Callable[[str], datetime]:
    def read(text: str) -> datetime:
        match = _INSTANT.fullmatch(text)
        if match is None or (zone_needed and match[7] is None):
            raise ValueError("not ISO 8601")
        instant = datetime(*(int(part or 0) for part in match.group(1, 2, 3, 4, 5, 6)), tzinfo=UTC)  # type: ignore[arg-type,misc]
        zone = match[7]
        if zone is None or zone == "Z":
            return instant
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        return instant - offset if zone[0] == "+" else instant + offset

    return read


def _rfc3339(text: str) -> datetime:
    if _RFC3339.fullmatch(text) is None:
        raise ValueError("not RFC 3339")
    return _iso(True)(text.upper())


def _http_date(text: str) -> datetime:
    instant = parsedate_to_datetime(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _spell_rfc3339(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


FORMATS = {
    form.name: form
    for form in (
        Format("text", "text", _text, _text),
        Format("integer", "text", _write_integer, _read_integer),
        Format("text-or-integer", "text", _text, _read_text_or_integer),
        Format("list", "text", _write_list, _read_list),
        Format("base64", "text", _write_base64, _read_base64),
        Format("json", "text", _write_json, _read_json),
        Format("any", "any", lambda value, textual: str(value) if textual else value, lambda wire, _: wire),
        _numeric("seconds", "duration"),
        _numeric("quoted-seconds", "duration", quoted=True),
        _numeric("minutes", "duration", 1 / 60),
        _numeric("milliseconds", "duration", 1000),
        _numeric("epoch", "instant"),
        _numeric("quoted-epoch", "instant", quoted=True),
        _numeric("epoch-ms", "instant", 1000),
        _numeric("quoted-epoch-ms", "instant", 1000, quoted=True),
        _instant("rfc3339", _spell_rfc3339, _rfc3339),
        _instant("iso8601", _spell_rfc3339, _iso(True)),
        _instant("iso8601-utc", lambda instant: instant.strftime("%Y-%m-%dT%H:%M:%S"), _iso(False)),
        _instant("http-date", lambda instant: format_datetime(instant, usegmt=True), _http_date),
    )
}
