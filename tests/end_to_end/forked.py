"""Commands of the program in forks of a process that has imported it, as importing takes ten times as long as most do.

Each is a process of its own, with its own arguments, environment, folder, standard input and outputs, in which the same
`main` runs. There is one such process to each process of the tests, and it ends with it.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tests.end_to_end.forked",
        "mintmark.compose.main",
        "mintmark.compose.installation",
        "mintmark.compose.init",
        "mintmark.compose.backups",
        "mintmark.compose.store_move",
        "mintmark.cli.main",
        "mintmark.cli.apply",
        *(
            f"mintmark.cli.admin.{noun}"
            for noun in ("api", "client", "environment", "person", "secret", "tenant")
        ),
        "alembic.command",
    ]
)


def run(
    arguments: Sequence[str], *, stdin: str, cwd: Path | None, env: Mapping[str, str], patience: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. Raises subprocess.TimeoutExpired."""
    with tempfile.TemporaryDirectory(prefix="mintmark-forked-") as folder:
        files = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
        for file, text in zip(files, (stdin, "", ""), strict=True):
            file.write_text(text)
        child = _CONTEXT.Process(target=_main, args=(list(arguments), dict(env), cwd, files))
        child.start()
        child.join(patience)
        if child.exitcode is None:
            child.kill()
            child.join()
            raise subprocess.TimeoutExpired(["mintmark", *arguments], patience)
        out, err = (file.read_text() for file in files[1:])
        return subprocess.CompletedProcess(["mintmark", *arguments], child.exitcode, out, err)


def _main(arguments: list[str], env: dict[str, str], cwd: Path | None, files: Sequence[Path]) -> None:
    for number, file in enumerate(files):
        opened = os.open(file, os.O_RDONLY if number == 0 else os.O_WRONLY)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as long as the process
    os.environ.clear()
    os.environ.update(env)
    if cwd is not None:
        os.chdir(cwd)
    sys.argv = ["mintmark", *arguments]
    from mintmark.compose.main import main

    main()
