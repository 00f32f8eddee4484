"""Pydantic models made from the operations' own types: inputs, which refuse what they do not know, and answers.

Nothing is declared twice: a field's type, bounds and sentence come from the operation's input or from `shapes`.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    create_model,
)

from mintmark.values.secret import Secret

LONGEST_TEXT = 4096
MOST_ITEMS = 1000
#: What JavaScript's numbers hold exactly (RFC 7493 §2.2).
MOST_NUMBER = 2**53 - 1


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("it must not hold the character NUL")
    return text


def _strictly_text(value: object) -> object:
    if isinstance(value, datetime | str):
        return value
    raise ValueError("it must be a time as in RFC 3339, such as 2027-01-31T12:00:00Z")


Text = Annotated[StrictStr, Field(max_length=LONGEST_TEXT), AfterValidator(_storable)]
Number = Annotated[StrictInt, Field(ge=-MOST_NUMBER, le=MOST_NUMBER)]
Time = Annotated[AwareDatetime, BeforeValidator(_strictly_text)]
Hidden = Annotated[
    StrictStr,
    Field(max_length=LONGEST_TEXT, min_length=1, json_schema_extra={"format": "password"}),
    AfterValidator(_storable),
]
#: In a query everything is text.
QueryNumber = Annotated[int, Field(ge=0, le=MOST_NUMBER)]

Spelling = Mapping[object, Any]
IN_BODY: Spelling = {str: Text, int: Number, bool: StrictBool, Secret: Hidden, "instant": Time}
IN_QUERY: Spelling = {str: Text, int: QueryNumber, bool: bool, "instant": Time}
_SHOWN_TIME = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
_SHOWN_SECRET = Annotated[str, Field(json_schema_extra={"format": "password"})]
IN_ANSWER: Spelling = {str: str, int: int, bool: bool, Secret: _SHOWN_SECRET, "instant": _SHOWN_TIME}


def spelled(hint: Any, how: Spelling) -> tuple[Any, str]:
    """The type by which pydantic reads or shows `hint`, and the sentence that stands beside it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        sentences = [each for each in arguments[1:] if isinstance(each, str)]
        if "instant" in sentences:
            return how["instant"], ""
        inner, _ = spelled(arguments[0], how)
        return inner, sentences[-1] if sentences else ""
    if origin is NotRequired:
        return spelled(arguments[0], how)
    if origin in (Union, types.UnionType):
        made = [spelled(each, how) for each in arguments]
        sentence = next((each for _, each in made if each), "")
        return Union[tuple(each for each, _ in made)], sentence  # noqa: UP007 - made at run time
    if hint is types.NoneType or origin is Literal:
        return hint, ""
    if origin in (tuple, list):
        return Annotated[list[spelled(arguments[0], how)[0]], Field(max_length=MOST_ITEMS)], ""  # type: ignore[misc]
    if origin is not None and issubclass(origin, Mapping):
        key, value = (spelled(each, how)[0] for each in arguments)
        return Annotated[dict[key, value], Field(max_length=MOST_ITEMS)], ""  # type: ignore[valid-type]
    if hint in how:
        return how[hint], ""
    return shown_model(hint), ""


def body_model(given: type, names: tuple[str, ...]) -> type[BaseModel] | None:
    """What the body of an operation holds: those fields of its input; None when there are none."""
    if not names:
        return None
    members: dict[str, Any] = {name: (kind, about) for name, kind, about in declared(given, names, IN_BODY)}
    model: type[BaseModel] = create_model(
        given.__name__, __config__=ConfigDict(extra="forbid"), __doc__=given.__doc__, **members
    )
    return model


def declared(given: type, names: tuple[str, ...], how: Spelling) -> list[tuple[str, Any, Any]]:
    """(name, type, pydantic field) of these fields of an input."""
    assert is_dataclass(given)  # noqa: S101 - every input is one
    hints = get_type_hints(given, include_extras=True)
    made = []
    for each in fields(given):
        if each.name not in names:
            continue
        kind, sentence = spelled(hints[each.name], how)
        described: dict[str, Any] = {"description": sentence} if sentence else {}
        if each.default is not MISSING:
            made.append((each.name, kind, Field(_plain(each.default), **described)))
        elif each.default_factory is not MISSING:
            made.append((each.name, kind, Field(default_factory=each.default_factory, **described)))
        else:
            made.append((each.name, kind, Field(..., **described)))
    return made


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


_shown: dict[type, type[BaseModel]] = {}


def shown_model(shape: type) -> type[BaseModel]:
    """The model of an answer, of one of the types in `shapes`."""
    if shape not in _shown:
        required: frozenset[str] = shape.__required_keys__  # type: ignore[attr-defined]
        members: dict[str, Any] = {}
        for name, hint in get_type_hints(shape, include_extras=True).items():
            kind, _ = spelled(hint, IN_ANSWER)
            members[name] = (kind, ... if name in required else Field(default=None))
        _shown[shape] = create_model(shape.__name__.removesuffix("Row"), __doc__=shape.__doc__, **members)
    return _shown[shape]


def filled(given: type, values: Mapping[str, object]) -> Any:
    """The operation's input from what was read. Raises TypeError when a field without a default is missing."""
    hints = get_type_hints(given)
    return given(**{name: _kept(hints[name], value) for name, value in values.items()})


def _kept(hint: Any, value: object) -> object:
    if isinstance(value, datetime):
        return int(value.astimezone(UTC).timestamp())
    if isinstance(value, str) and (hint is Secret or Secret in get_args(hint)):
        return Secret(value)
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return {key: tuple(each) if isinstance(each, list) else each for key, each in value.items()}
    return value
