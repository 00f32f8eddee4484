"""A configuration file as `mintmark init` writes it: every setting explained, the defaults commented out."""

from __future__ import annotations

from collections.abc import Mapping

from mintmark.config import ConfigFault, Settings


def commented_toml(values: Mapping[str, str]) -> str:
    """A configuration file with every setting explained; those not in `values` are commented out at their default."""
    lines = ["# Mintmark's configuration. Every setting can also be given as an environment variable,"]
    lines += [
        "# MINTMARK_ and its name in capitals. Relative paths are relative to this file.",
        "# Check it with: mintmark serve --config mintmark.toml",
    ]
    for name, field in Settings.model_fields.items():
        lines += ["", *(f"# {line}" for line in _wrapped(field.description or ""))]
        if name in values:
            lines.append(f"{name} = {_toml(values[name])}")
        else:
            default = field.default
            lines.append(
                f"# {name} = {_toml(default if default is not None else '/path/to/' + name.replace('_', '.'))}"
            )
    return "\n".join(lines) + "\n"


def _wrapped(text: str, width: int = 100) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if any(ord(letter) < 32 or letter in '"\\' for letter in text):
        raise ConfigFault("a value for the configuration file holds a quote, backslash or control character")
    return f'"{text}"'
