"""Showing records: `row` gives what is shown of one, as `shapes` types it, and `shape_of` its type.

The modules `views` and `credential_views` say how each type of record is shown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import singledispatch
from typing import Any, get_type_hints

Row = dict[str, object]
"""What is shown of a record: one of the types of `shapes`."""


def at(instant: float | None) -> str | None:
    """RFC 3339, UTC, to the second; None stays None."""
    return (
        None if instant is None else datetime.fromtimestamp(int(instant), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    )


@singledispatch
def row(record: Any) -> Any:
    """The row of a record (``Mapping`` of one of the shapes). Raises TypeError for a type that is not shown."""
    raise TypeError(f"{type(record).__name__} is not shown")


def shape_of(kind: type) -> Any:
    """The shape in which records of a type are shown. Raises TypeError for a type that is not shown."""
    shown = row.dispatch(kind)
    if shown is row.dispatch(object):
        raise TypeError(f"{kind.__name__} is not shown")
    return get_type_hints(shown)["return"]
