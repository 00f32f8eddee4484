"""Records <-> rows: one rule for every frozen value, so that a new field needs a migration and nothing else here.

Text, numbers and truth values are columns of their own; tuples and mappings are JSON text. Equal JSON gives the
same object back: a hundred thousand clients with the same permissions share one mapping, which nobody changes.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache, lru_cache, partial
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SecretVersion, SignatureKey
from mintmark.values.hand_over import HandOver
from mintmark.values.kept_answer import KeptAnswer
from mintmark.values.notice import Notice
from mintmark.values.passkey import Passkey
from mintmark.values.person import Person
from mintmark.values.session import Session
from mintmark.values.tenancy import AccessRequest, Api, Environment, SigningKey, Tenant

Scalar = Literal["text", "integer", "boolean", "real"]

#: Every kind of record with the fields of its key; a parent stands before its children.
KEYS: dict[type, tuple[str, ...]] = {
    Tenant: ("handle",),
    Environment: ("tenant", "name"),
    Api: ("environment", "audience"),
    Client: ("environment", "client_id"),
    SecretVersion: ("environment", "client_id", "id"),
    MachineUser: ("environment", "id"),
    ApiToken: ("environment", "id"),
    LegacyToken: ("environment", "id"),
    SignatureKey: ("environment", "id"),
    SigningKey: ("environment", "kid"),
    AccessRequest: ("id",),
    Person: ("username",),
    Passkey: ("id",),
    KeptAnswer: ("principal", "key"),
    HandOver: ("id",),
    Notice: ("day",),
    Session: ("id",),
}

_SCALARS: dict[object, Scalar] = {str: "text", int: "integer", bool: "boolean", float: "real"}


@dataclass(frozen=True, slots=True)
class Column:
    """One field as a column: its scalar type and whether it may be null, or JSON of the type `shape`.

    `few`: text of which there are few different ones, so that equal ones are kept once in memory.
    """

    name: str
    scalar: Scalar
    nullable: bool
    shape: Hashable = None
    few: bool = False


def _column(name: str, hint: Any) -> Column:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = [argument for argument in arguments if argument is not types.NoneType]
        return Column(name, _SCALARS[inner], nullable=True)
    if origin is Literal:
        return Column(name, "text", nullable=False, few=True)
    if hint in _SCALARS:
        return Column(name, _SCALARS[hint], nullable=False, few=name in ("environment", "tenant", "owner"))
    return Column(name, "text", nullable=False, shape=hint)


def columns(kind: type) -> tuple[Column, ...]:
    """The columns of a record type, in the order of its fields."""
    return _columns(kind)


@cache
def _columns(kind: type) -> tuple[Column, ...]:
    hints = get_type_hints(kind)
    return tuple(_column(field.name, hints[field.name]) for field in fields(kind))


def _from_json(hint: Any, value: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return tuple(_from_json(arguments[0], item) for item in value)
    if origin is not None and isinstance(value, dict) and issubclass(origin, Mapping):
        return {sys.intern(key): _from_json(arguments[1], item) for key, item in value.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        return hint(**{name: _from_json(hints[name], item) for name, item in value.items()})
    return sys.intern(value) if isinstance(value, str) else value


@lru_cache(maxsize=4096)
def _decoded(hint: Hashable, text: str) -> Any:
    return _from_json(hint, json.loads(text))


def _to_json(value: Any) -> str:
    def plain(item: Any) -> Any:
        return asdict(item) if is_dataclass(item) and not isinstance(item, type) else dict(item)

    return json.dumps(value, default=plain, ensure_ascii=True, separators=(",", ":"))


def is_storable(text: str) -> bool:
    """Whether every database can hold `text`: no NUL, no half of a surrogate pair."""
    if text.isascii():
        return "\0" not in text
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def refuse_unstorable(record: Any) -> None:
    """Raises ValueError, in one sentence, when a text of the record cannot be stored."""
    for column in columns(type(record)):
        value = getattr(record, column.name)
        if isinstance(value, str) and not is_storable(value):
            raise ValueError(f"The {column.name} holds a character that cannot be stored.")


def encode(record: Any) -> dict[str, Any]:
    """The row of a record: column name -> value."""
    return {
        column.name: getattr(record, column.name)
        if column.shape is None
        else _to_json(getattr(record, column.name))
        for column in columns(type(record))
    }


@cache
def _decoders(kind: type) -> tuple[Callable[[Any], Any] | None, ...]:
    def decoder(column: Column) -> Callable[[Any], Any] | None:
        if column.shape is not None:
            return partial(_decoded, column.shape)
        if column.scalar == "boolean":
            return bool
        return sys.intern if column.few else None

    return tuple(decoder(column) for column in columns(kind))


def decode(kind: type, row: Any) -> Any:
    """The record of a row whose values stand in the order of the fields."""
    return kind(
        *(
            value if decoder is None else decoder(value)
            for decoder, value in zip(_decoders(kind), row, strict=True)
        )
    )
