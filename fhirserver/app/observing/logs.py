"""Logs: one line per event, as text or as JSON. Texts of exceptions are not among them: they may hold PHI."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

from fhirserver.app.observing.settings import LogSettings
from fhirserver.kernel.correlation import REQUEST
from fhirserver.kernel.json import dumps
from fhirserver.kernel.tracing import trace_id

_TALKATIVE: Final = (
    "uvicorn.access", "httpx", "httpcore", "httpx2", "httpcore2", "openai", "twilio", "pymongo", "urllib3",
    "opentelemetry",
)  # fmt: skip
"""They tell URLs or content below warnings."""
_FRAMES: Final = 8
_Excepted = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(chosen: LogSettings, part: str) -> None:
    """Set up the logs of this process, once and before it serves. ``part``: what it is, such as ``serve-0``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(part) if chosen.format == "json" else TextLines(part))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(chosen.level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, level in chosen.levels.items():
        logging.getLogger(name).setLevel(level.upper())
    sys.excepthook = _unhandled


def _unhandled(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("credence").critical("ended by what nobody expected", exc_info=(kind, error, trace))


def access_line() -> Callable[[str, str, int, float], None]:
    """What writes the line of a request: method, template of its path, status, seconds."""
    log = logging.getLogger("credence.access")

    def line(method: str, path: str, status: int, seconds: float) -> None:
        told = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000, 2)}
        log.info("%s %s %d %.1f ms", method, path, status, seconds * 1000, extra={"access": told})

    return line


class _Lines(logging.Formatter):
    """What both forms share."""

    def __init__(self, part: str):
        super().__init__()
        self._part = part

    @staticmethod
    def message(record: logging.LogRecord) -> str:
        text = record.getMessage()
        # asyncio adds what its objects look like, exceptions with their texts among them.
        return text.partition("\n")[0] if record.name == "asyncio" else text

    @staticmethod
    def fault(record: logging.LogRecord) -> str:
        """The class of an exception and where it came from."""
        return places(record.exc_info) if record.exc_info else ""


def places(excepted: _Excepted) -> str:
    """An exception without its text: class names and places, its causes behind it."""
    told: list[str] = []
    error = excepted[1]
    while error is not None and len(told) < 3:
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        where = " < ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in reversed(frames))
        told.append(f"{type(error).__name__} at {where}" if where else type(error).__name__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "; from ".join(told)


class TextLines(_Lines):
    """A line for people: time, level, logger, request, message."""

    def format(self, record: logging.LogRecord) -> str:
        head = f"{_time(record)} {record.levelname} {record.name}"
        request, fault = REQUEST.get(), self.fault(record)
        told = f"{head} [{request}]" if request else head
        return f"{told} {_one_line(self.message(record))}{f': {fault}' if fault else ''}"


class JsonLines(_Lines):
    """A line for machines: a JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.message(record),
            "process": self._part,
            "pid": record.process,
        }
        if request := REQUEST.get():
            told["request"] = request
        if trace := trace_id():
            told["trace"] = trace
        told |= getattr(record, "access", {})
        if fault := self.fault(record):
            told["fault"] = fault
        return dumps(told).decode()


def _time(record: logging.LogRecord) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def _one_line(text: str) -> str:
    """Nobody makes two lines of one, nor writes to a terminal what it acts on."""
    return (
        text
        if text.isprintable()
        else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    )
