"""How many bytes, as people write it: a number, or one with a unit of thousands (``20GB``) or of 1024s (``5MiB``)."""

from __future__ import annotations

import re

_UNITS = {
    "": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("KMGT", 1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)},
}
_SIZE = re.compile(rf"(\d{{1,15}}) ?({'|'.join(_UNITS)})")


def byte_size(value: object) -> object:
    """The number of bytes that a text means; what is no text is left as it is. Raises ValueError."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError('it must be a number of bytes, as in 20000000000, "20GB" or "512MiB"')
    return int(match[1]) * _UNITS[match[2]]
