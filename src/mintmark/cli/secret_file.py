"""A file that secrets are added to, for its owner only, on disk before what they open is committed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from mintmark.cli.services import UsageFault


class AppendedSecrets:
    """Lines at the end of the file `path` (mode 0600), which may be there from an earlier run. All raise UsageFault."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            flags = os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW
            self._descriptor = os.open(self._path, flags, 0o600)
            about = os.fstat(self._descriptor)
        except OSError as fault:
            raise UsageFault(f"{self._path} cannot be written: {fault.strerror}.") from None
        if not stat.S_ISREG(about.st_mode) or about.st_mode & 0o077 or about.st_uid != os.geteuid():
            os.close(self._descriptor)
            raise UsageFault(f"{self._path} must be a file that is yours alone: chmod 600 {self._path}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def append(self, text: str) -> None:
        """Add lines, synced to disk; what cannot be written whole is taken back."""
        end = os.fstat(self._descriptor).st_size
        try:
            content = text.encode()
            if os.write(self._descriptor, content) < len(content):
                raise OSError(28, "No space left on device")
            os.fdatasync(self._descriptor)
        except OSError as fault:
            os.ftruncate(self._descriptor, end)
            raise UsageFault(f"{self._path} cannot be written: {fault.strerror}.") from None
