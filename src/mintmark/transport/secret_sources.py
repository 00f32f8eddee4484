"""Where secrets come from: the environment, a file, the keyring, a command, a function; read afresh at each call.

Each source is a function from nothing to text, so that a rotated secret needs no restart. A fault names the place and
never what was found there.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mintmark.client.errors import Misconfigured
from mintmark.values.secret import Secret

SecretText = Callable[[], Secret]
LARGEST = 65536
_COMMAND_LIMIT = 30


def from_environment(name: str) -> SecretText:
    """The variable `name`."""

    def read() -> Secret:
        text = os.environ.get(name, "")
        if not text:
            raise Misconfigured(f"the environment variable {name} is not set")
        return Secret(text)

    return read


def from_file(path: str | Path) -> SecretText:
    """The file's text without the newline at its end."""
    place = Path(path).expanduser()

    def read() -> Secret:
        text = read_small(place).rstrip("\r\n")
        if not text:
            raise Misconfigured(f"the file {place} is empty")
        return Secret(text)

    return read


def from_keyring(service: str, user: str) -> SecretText:
    """The system's keyring; needs ``mintmark[keyring]``."""

    def read() -> Secret:
        try:
            import keyring
        except ImportError:
            raise Misconfigured("the keyring needs: pip install 'mintmark[keyring]'") from None
        try:
            text = keyring.get_password(service, user)
        except Exception as error:
            raise Misconfigured(f"the keyring cannot be read: {type(error).__name__}") from None
        if not text:
            raise Misconfigured(f"the keyring has no secret of '{user}' for '{service}'")
        return Secret(text)

    return read


def store_in_keyring(service: str, user: str, secret: Secret) -> None:
    """Keep a secret in the system's keyring. Raises Misconfigured."""
    try:
        import keyring

        keyring.set_password(service, user, secret.reveal())
    except ImportError:
        raise Misconfigured("the keyring needs: pip install 'mintmark[keyring]'") from None
    except Exception as error:
        raise Misconfigured(f"the keyring cannot be written: {type(error).__name__}") from None


def remove_from_keyring(service: str, user: str) -> None:
    """Forget a secret of the system's keyring; nothing happens when it cannot be had."""
    with suppress(Exception):
        import keyring

        keyring.delete_password(service, user)


def from_command(command: str | list[str]) -> SecretText:
    """The first line that a command prints; no shell is involved. It gets 30 s."""
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError:
        raise Misconfigured("the command that prints the secret has a quotation mark too few") from None
    if not words:
        raise Misconfigured("the command that prints the secret is empty")

    def read() -> Secret:
        sentence = ""
        try:
            done = subprocess.run(  # noqa: S603
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMMAND_LIMIT, check=False
            )
            text = done.stdout[:LARGEST].decode("utf-8").partition("\n")[0].rstrip("\r")
            if done.returncode == 0 and text:
                return Secret(text)
            sentence = f"ended with status {done.returncode}" if done.returncode else "printed nothing"
        except FileNotFoundError:
            sentence = "was not found"
        except subprocess.TimeoutExpired:
            sentence = f"took longer than {_COMMAND_LIMIT} s"
        except (OSError, ValueError):
            sentence = "cannot be run"
        raise Misconfigured(f"the command {words[0]} that prints the secret {sentence}")

    return read


def from_function(function: Callable[[], str | Secret]) -> SecretText:
    """Whatever `function` returns; an error of it is named by its type alone."""

    def read() -> Secret:
        try:
            value = function()
        except Misconfigured:
            raise
        except Exception as error:
            raise Misconfigured(
                f"the function that returns the secret failed: {type(error).__name__}"
            ) from None
        secret = value if isinstance(value, Secret) else Secret(value or "")
        if not secret:
            raise Misconfigured("the function that returns the secret returned nothing")
        return secret

    return read


def constant(secret: str | Secret) -> SecretText:
    """A secret that was handed in."""
    held = secret if isinstance(secret, Secret) else Secret(secret)
    return lambda: held


def read_private(path: Path) -> str:
    """The text of a small file that nobody but its owner may read. Raises Misconfigured."""
    text = read_small(path)
    seen = path.stat()
    if seen.st_uid != os.getuid() or stat.S_IMODE(seen.st_mode) & 0o077:
        raise Misconfigured(f"the file {path} can be read by others: chmod 600 it, and be its owner")
    return text


def read_small(path: Path) -> str:
    """The text of a small file. Raises Misconfigured."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise Misconfigured(f"the file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"the file {path} is not text in UTF-8") from None
    if len(data) > LARGEST:
        raise Misconfigured(f"the file {path} is larger than a secret should be")
    return text
