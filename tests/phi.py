"""What no log may hold: the PHI of the tests' own worlds, and a watch over all that is logged while tests run.

Names, birth dates, telephone numbers, e-mail addresses and streets are read from the sources of the tests, so that a
new world is watched without a word about it. Watched are all loggers of the tests' own processes, with the texts of
exceptions, at the level that servers log at; what the servers and telephones that tests start write out; and the errors
that servers in the tests' own processes answer with.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MARK = "Zzyzxphi"
"""A family name for worlds in which nothing else is distinctive enough."""
_ROOT = Path(__file__).parent
_WRITTEN = (
    re.compile(r'"?(?:family|given)"?[:=]\s*\[?"([A-Z][\w\'-]{4,})"'),
    re.compile(r'"given":\s*\["[^"]*",\s*"([A-Z][\w\'-]{4,})"'),
    re.compile(r'"birthDate":\s*"(\d{4}-\d{2}-\d{2})"'),
    re.compile(r'"(\+1\d{10})"'),
    re.compile(r'"line":\s*\["(\d+ [A-Z][^"]+)"'),
    re.compile(r'"value":\s*"(?:mailto:)?([\w.+-]+@[\w-]+\.[\w.-]+)"'),
    re.compile(r'"value":\s*"(\d{3}-\d{2}-\d{4})"'),
)
_ORDINARY = frozenset(
    [
        "Again",
        "Other",
        "Worker",
        "Tester",
        "House",
        "Secret",
        "Renamed",
        "Rehearsal",
        "Patched",
        "Newname",
        "Three",
        "Smart",
        "Group",
        "Fresh",
        "Second",
        "First",
        "Third",
        "Family",
        "Given",
        "Merged",
        "Patient",
        "Later",
        "Prefix",
        "After",
        "Before",
        "Inside",
        "Drill",
        "Bundled",
        "1970-01-01",
        "+15555550100",
    ]
)
"""Names that are words of the program as well."""
_SERVERS = frozenset(("serve", "voice"))
_QUIET = ("httpx", "httpcore", "uvicorn.access")
"""As ``credence serve`` has them: what a client asks for would stand there."""
_MOST_CHARACTERS = 64 * 1024 * 1024


def known() -> frozenset[str]:
    """All PHI of the tests' sources."""
    found = {MARK}
    for path in sorted(_ROOT.rglob("*.py")):
        if path.name != "phi.py" and "corpus" not in path.parts:
            found.update(_in(path.read_text("utf-8")))
    return frozenset(found - _ORDINARY)


def _in(source: str) -> Iterator[str]:
    for pattern in _WRITTEN:
        yield from pattern.findall(source)


def leaks(text: str, needles: Iterable[str]) -> Iterator[tuple[str, str]]:
    """PHI that stands in a text, each with the first line that holds it."""
    for needle in needles:
        place = text.find(needle)
        if place >= 0 and (hit := re.search(rf"(?<![\w]){re.escape(needle)}(?![\w])", text)):
            begin, end = text.rfind("\n", 0, hit.start()) + 1, text.find("\n", hit.end())
            yield needle, text[begin : end if end >= 0 else None][:500]


_errors = logging.getLogger("tests.errors")
"""Where errors that clients were told are written, to be looked through with all else."""
_errors.propagate = False


def told(status: int, body: bytes) -> None:
    """An answer of a server: where it is an error, it is watched."""
    if status >= 400:
        _errors.info("%d %s", status, body[:100_000].decode("utf-8", "replace"))


class Watch(logging.Handler):
    """Keeps what is logged, and where servers write; looked through once, at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self._lines: list[str] = []
        self._tests: list[str] = []
        """In which each line was logged; its name is not looked through."""
        self._size = 0
        self._outputs: dict[str, str] = {}
        self._lock = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, with the test that was running and the text of an exception."""
        try:
            line = self.format(record).replace("\n", "\\n")
        except Exception:  # a record that cannot be formatted fails where it is logged
            return
        with self._lock:
            if self._size < _MOST_CHARACTERS:
                self._lines.append(line)
                self._tests.append(os.environ.get("PYTEST_CURRENT_TEST", ""))
                self._size += len(line)

    def begin(self) -> None:
        """Watch all loggers, and every server process that is started."""
        root = logging.getLogger()
        root.addHandler(self)
        _errors.addHandler(self)
        _errors.setLevel(logging.INFO)
        root.setLevel(logging.INFO)
        for name in _QUIET:
            logging.getLogger(name).setLevel(logging.WARNING)
        watch, begin = self, subprocess.Popen.__init__

        def started(process: Any, args: Any, *more: Any, **named: Any) -> None:
            watch.note(args, named)
            begin(process, args, *more, **named)

        subprocess.Popen.__init__ = started  # type: ignore[method-assign]

    def note(self, args: Any, named: dict[str, Any]) -> None:
        """Remember the file that a server's output goes to."""
        words = [str(word) for word in args] if isinstance(args, list | tuple) else []
        if _SERVERS.isdisjoint(words[1:4]):
            return
        for stream in (named.get("stdout"), named.get("stderr")):
            name = getattr(stream, "name", None)
            if isinstance(name, str):
                self._outputs[name] = os.environ.get("PYTEST_CURRENT_TEST", "")

    def _test_of(self, line: str) -> str:
        return next(
            (test for test, one in zip(self._tests, self._lines, strict=True) if one.startswith(line)), ""
        )

    def findings(self) -> list[str]:
        """What leaked, one line each."""
        needles = known()
        with self._lock:
            text = "\n".join(self._lines)
        found = [
            f"{needle!r} was logged: {self._test_of(line)} | {line}" for needle, line in leaks(text, needles)
        ]
        for name, test in self._outputs.items():
            path = Path(name)
            if path.is_file():
                written = path.read_text("utf-8", errors="replace")
                found += [
                    f"{needle!r} in {name} ({test}): {line}" for needle, line in leaks(written, needles)
                ]
        return found
