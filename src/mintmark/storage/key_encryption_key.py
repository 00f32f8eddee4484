"""Where the key-encryption key comes from: a file only its owner can read, an environment variable, or a command.

The key is 32 bytes, written as base64 in all three. It is never shown: a message names the place, not the content.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

KEY_BYTES = 32
_LARGEST = 4096
#: Seconds that a command may take.
_PATIENCE = 30


class KeyUnavailable(Exception):
    """The key-encryption key cannot be had. The text says where it was looked for and what to do."""


def create_file(path: Path, entropy: Callable[[int], bytes]) -> bytes:
    """A new key in the new file `path` (mode 0600), synced to disk before it returns.

    Raises KeyUnavailable when the file exists or cannot be written: a key is never overwritten.
    """
    key = entropy(KEY_BYTES)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise KeyUnavailable(f"{path}: there is a key file already; it is not overwritten.") from None
    except OSError as error:
        raise KeyUnavailable(f"{path}: the key file cannot be created: {error.strerror}.") from None
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(base64.b64encode(key) + b"\n")
        file.flush()
        os.fsync(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return key


def from_file(path: Path) -> bytes:
    """The key in `path`. Raises KeyUnavailable, also when anybody but this user can read or replace it."""
    return _decode(private_text(path, "key file"), f"{path}")


def private_text(path: Path, what: str) -> bytes:
    """What is in `path`. Raises KeyUnavailable, also when anybody but this user can read or replace it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise KeyUnavailable(f"{path}: the {what} cannot be read: {error.strerror}.") from None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise KeyUnavailable(f"{path}: this is not a file.")
        if about.st_uid not in (os.geteuid(), 0):
            raise KeyUnavailable(f"{path}: the {what} belongs to another user; it must belong to this one.")
        if about.st_mode & 0o077:
            raise KeyUnavailable(
                f"{path}: others may read or write the {what} (mode {stat.S_IMODE(about.st_mode):04o}); "
                f"make it yours alone: chmod 600 {path}"
            )
        return file.read(_LARGEST)


def from_environment(name: str, environ: Mapping[str, str]) -> bytes:
    """The key in the environment variable `name`. Raises KeyUnavailable."""
    text = environ.get(name)
    if not text:
        raise KeyUnavailable(
            f"The environment variable {name} is not set; it should hold the key-encryption key."
        )
    return _decode(text.encode("utf-8", "surrogateescape"), f"The environment variable {name}")


def from_command(arguments: Sequence[str]) -> bytes:
    """The key that a program prints; it is run without a shell. Raises KeyUnavailable."""
    what = "key-encryption key"
    return _decode(printed(arguments, what), f"The command '{arguments[0]}' for the {what}")


def printed(arguments: Sequence[str], what: str) -> bytes:
    """What a program prints; it is run without a shell. Raises KeyUnavailable."""
    if not arguments:
        raise KeyUnavailable(f"The command for the {what} is empty.")
    place = f"The command '{arguments[0]}' for the {what}"
    try:
        done = subprocess.run(  # noqa: S603 - the operator configured it
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise KeyUnavailable(f"{place} did not end within {_PATIENCE} seconds.") from None
    except OSError as error:
        raise KeyUnavailable(f"{place} cannot be run: {error.strerror}.") from None
    if done.returncode != 0:
        raise KeyUnavailable(f"{place} failed with exit code {done.returncode}.")
    return done.stdout


def _decode(text: bytes, place: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyUnavailable(
            f"{place}: what is there is not a key-encryption key, {KEY_BYTES} bytes in base64 (44 characters)."
        )
    return key
