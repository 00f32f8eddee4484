"""A template is a tree of literals and ``${name}`` places, used in both directions: `fill` writes, `match` reads.

A place may carry a format (``${expires_at:rfc3339}``); ``${null}`` stands for JSON's null. A place whose value is
absent takes its member away with it. Within longer text (``Bearer ${client_secret}``) a value must not hold the
literal that follows it, so that reading is never ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from mintmark.dialect.formats import FORMATS, Format
from mintmark.wire.http import UNSAFE

_PLACE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"([a-z][a-z0-9_]*)(?::([a-z0-9-]+))?", re.ASCII)
_FORMATS_BY_NAME = {
    "expires_in": "seconds",
    "expires_at": "epoch",
    "issued_at": "epoch",
    "access_token": "text",
    "token_type": "text",
    "scope": "text",
}
LONGEST = 65536
#: The text of an element without the white space around it.
_XML_TEXT = r"\s*([^<\s](?:[^<]*[^<\s])?)\s*"


class TemplateFault(ValueError):
    """A template is wrong, at `path` below where it begins. The text is a sentence without its beginning."""

    def __init__(self, sentence: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(sentence)
        self.path = path


class Mismatch(Exception):
    """The message is not what the template says. The text is one public sentence without the input."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: text, number, boolean, or None for null."""

    value: object


@dataclass(frozen=True, slots=True)
class Place:
    """Where a canonical value stands."""

    name: str
    format: Format


@dataclass(frozen=True, slots=True)
class Text:
    """Text with places in it; `pattern` captures them in order. `xml`: values are escaped, white space is free."""

    parts: tuple[str | Place, ...]
    pattern: re.Pattern[str]
    xml: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Members by name."""

    members: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Array:
    """Items in order."""

    items: tuple[Node, ...]


Node = Literal | Place | Text | Table | Array
Values = Callable[[str], object]
Captured = dict[str, object]


def parse(value: object, *, xml: bool = False, other: str = "text") -> Node:
    """The template of a TOML value; with `xml`, runs of white space in it match any. Raises TemplateFault.

    `other`: the format of places that name none, where it is not fixed by their name.
    """
    if isinstance(value, dict):
        return Table(tuple((key, _parse_inside(key, item, other)) for key, item in value.items()))
    if isinstance(value, list):
        return Array(tuple(_parse_inside(index, item, other) for index, item in enumerate(value)))
    if isinstance(value, str):
        return _parse_text(value, xml, other)
    if isinstance(value, bool | int | float):
        return Literal(value)
    raise TemplateFault("a template holds text, numbers, booleans, arrays and tables only")


def _parse_inside(key: str | int, value: object, other: str) -> Node:
    try:
        return parse(value, other=other)
    except TemplateFault as fault:
        raise TemplateFault(str(fault), (key, *fault.path)) from None


def _parse_text(text: str, xml: bool, other: str) -> Node:
    parts: list[str | Place] = []
    end = 0
    for match in _PLACE.finditer(text):
        if match.start() > end:
            parts.append(text[end : match.start()])
        elif parts:
            raise TemplateFault("two places stand side by side: nothing tells where one ends")
        parts.append(_place(match[1], other))
        end = match.end()
    if "${" in text[end:]:
        raise TemplateFault("'${' is not closed by '}'")
    if end < len(text):
        parts.append(text[end:])
    if not parts or (len(parts) == 1 and isinstance(parts[0], str)):
        return Literal(text)
    if len(parts) == 1 and isinstance(parts[0], Place):
        return Literal(None) if parts[0].name == "null" else parts[0]
    return Text(tuple(parts), re.compile(_pattern(parts, xml), re.DOTALL), xml)


def _place(text: str, other: str) -> Place:
    match = _NAME.fullmatch(text)
    if match is None:
        raise TemplateFault(f"'${{{text}}}' is not a place: write ${{name}} or ${{name:format}}")
    word = match[2] or _FORMATS_BY_NAME.get(match[1], other)
    if word not in FORMATS:
        raise TemplateFault(f"'{word}' is not a format; formats are {', '.join(sorted(FORMATS))}")
    return Place(match[1], FORMATS[word])


def _pattern(parts: list[str | Place], xml: bool) -> str:
    out = []
    for index, part in enumerate(parts):
        if isinstance(part, str):
            out.append(r"\s*".join(map(re.escape, re.split(r"\s+", part))) if xml else re.escape(part))
            continue
        stop = parts[index + 1] if index + 1 < len(parts) else ""
        first = str(stop)[:1]
        if part.format.name == "json":
            out.append(r'((?:[^"\\]|\\.)+)')
        else:
            out.append(_XML_TEXT if xml else f"([^{re.escape(first)}]+)" if first else "(.+)")
    return "".join(out)


def any_case(node: Node) -> Node:
    """The same template, read with its literals in any case (the scheme's word of an Authorization header)."""
    if not isinstance(node, Text):
        return node
    return replace(node, pattern=re.compile(node.pattern.pattern, re.DOTALL | re.IGNORECASE))


def places(node: Node) -> Iterator[Place]:
    """Every place of the tree, in order."""
    return (place for _, place in placed(node))


def placed(node: Node, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Place]]:
    """Every place of the tree with where it stands, in order."""
    if isinstance(node, Place):
        yield path, node
    elif isinstance(node, Text):
        yield from ((path, part) for part in node.parts if isinstance(part, Place))
    elif isinstance(node, Table):
        for key, member in node.members:
            yield from placed(member, (*path, key))
    elif isinstance(node, Array):
        for index, item in enumerate(node.items):
            yield from placed(item, (*path, index))


def fill(node: Node, values: Values, *, textual: bool = False) -> object:
    """What stands on the wire. `values(name)` is a canonical value, or None when absent.

    Returns `ABSENT` when nothing of the node is there. Raises ValueError naming the value that does not fit.
    """
    if isinstance(node, Literal):
        return _as_text(node.value) if textual else node.value
    if isinstance(node, Place):
        value = values(node.name)
        return ABSENT if value is None else _write(node, value, textual)
    if isinstance(node, Text):
        return _fill_text(node, values)
    if isinstance(node, Table):
        filled = {key: fill(member, values, textual=textual) for key, member in node.members}
        kept = {key: value for key, value in filled.items() if value is not ABSENT}
        return kept if kept or not filled else ABSENT
    items = [
        item for item in (fill(item, values, textual=textual) for item in node.items) if item is not ABSENT
    ]
    return items if items or not node.items else ABSENT


def _fill_text(node: Text, values: Values) -> object:
    out: list[str] = []
    for part in node.parts:
        if isinstance(part, str):
            out.append(part)
            continue
        value = values(part.name)
        if value is None:
            return ABSENT
        text = str(_write(part, value, True))
        out.append(_escape(text) if node.xml else text)
    text = "".join(out)
    matched = node.pattern.fullmatch(text)
    written = [out[index] for index, part in enumerate(node.parts) if isinstance(part, Place)]
    if matched is None or list(matched.groups()) != written:
        name = next(part.name for part in node.parts if isinstance(part, Place))
        raise ValueError(f"{name} holds a character that its place in the template cannot carry")
    return text


def _write(place: Place, value: object, textual: bool) -> object:
    try:
        return place.format.write(value, textual)
    except ValueError as error:
        raise ValueError(f"{place.name} {error}") from None


def match(node: Node, wire: object, found: Captured, *, textual: bool = False, strict: bool = True) -> None:
    """Put what the places capture into `found`; null and empty text count as absent.

    `strict`: literals must be there and equal. Raises Mismatch, also when one name is captured twice and differs.
    """
    if isinstance(node, Literal):
        wanted = _as_text(node.value) if textual else node.value
        if strict and (wire != wanted or isinstance(wire, bool) is not isinstance(wanted, bool)):
            raise Mismatch("A fixed value is missing or not what it must be.")
    elif wire is None or wire == "":
        if strict and isinstance(node, Array) and not any(True for _ in places(node)):
            raise Mismatch("A fixed value is missing or not what it must be.")
    elif isinstance(node, Place):
        capture(node, wire, found, textual)
    elif isinstance(node, Text):
        _match_text(node, wire, found)
    elif isinstance(node, Table):
        if not isinstance(wire, dict):
            raise Mismatch("A member must be a JSON object.")
        for key, member in node.members:
            match_member(key, member, wire, found, strict=strict)
    else:
        if not isinstance(wire, list) or (strict and len(wire) != len(node.items)):
            raise Mismatch("A member must be an array of a fixed length.")
        for item, value in zip(node.items, wire, strict=False):
            match(item, value, found, strict=strict)


def match_member(key: str, node: Node, wire: dict[str, object], found: Captured, *, strict: bool) -> None:
    """`match`, where the sentence of a mismatch names the member."""
    try:
        match(node, wire.get(key), found, strict=strict)
    except Mismatch as error:
        if str(error).startswith("A fixed"):
            raise Mismatch(f"The member {key} is missing or not what it must be.") from None
        raise


def _match_text(node: Text, wire: object, found: Captured) -> None:
    matched = node.pattern.fullmatch(wire) if isinstance(wire, str) and len(wire) <= LONGEST else None
    names = [part for part in node.parts if isinstance(part, Place)]
    if matched is None:
        raise Mismatch(f"The value that carries {names[0].name} is not of its form.")
    for place, text in zip(names, matched.groups(), strict=True):
        capture(place, _unescape(text) if node.xml else text, found, True)


def capture(place: Place, wire: object, found: Captured, textual: bool) -> None:
    """Read one place. Raises Mismatch naming the canonical name."""
    try:
        value = place.format.read(wire, textual)
    except ValueError as error:
        raise Mismatch(f"{place.name} {error}.") from None
    if isinstance(value, str) and place.format.kind != "any" and UNSAFE.search(value) is not None:
        raise Mismatch(f"{place.name} holds control characters.")
    if found.setdefault(place.name, value) != value:
        raise Mismatch(f"{place.name} stands in two places with two values.")


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _unescape(text: str) -> str:
    """The five entities of XML; any other stays as it is."""
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


class _Absent:
    """Nothing stands here."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()
