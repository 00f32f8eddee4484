"""Structured logging: one JSON object a line on standard error, ours and that of the libraries below."""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType

import structlog

from mintmark.web.refusal_log import Log


def set_up_logging(level: str) -> Log:
    """Configure the process once and give the logger of the program."""
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(one_line())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # It warns of every malformed request, which anybody could fill a disk with; they are answered all the same.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    set_level(level)
    logger: Log = structlog.stdlib.get_logger("mintmark")
    return logger


def one_line() -> logging.Formatter:
    """Makes the JSON object of a record, whoever logs it."""
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
        foreign_pre_chain=_shared(),
    )


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        exception_without_values,
    ]


def set_level(level: str) -> None:
    """The least level of log line from now on."""
    logging.getLogger("mintmark").setLevel(level.upper())


def exception_without_values(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Replace ``exc_info`` by the kinds of the exceptions and where they came from.

    What they say is left out: the text of an unforeseen exception may hold what somebody sent, secrets included.
    """
    given = event.pop("exc_info", None)
    if isinstance(given, BaseException):
        fault: BaseException | None = given
    elif isinstance(given, tuple):
        fault = given[1]
    else:
        fault = sys.exc_info()[1] if given else None
    kinds: list[str] = []
    frames: list[str] = []
    while fault is not None and len(kinds) < 5:
        kinds.append(f"{type(fault).__module__}.{type(fault).__qualname__}")
        frames = [*_frames(fault.__traceback__), *frames]
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    if kinds:
        event["exception"] = kinds
        event["frames"] = frames
    return event


def _frames(start: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(start)]
