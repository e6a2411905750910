"""Check that what the documents say exists: linked files, `make` targets, `credence` commands and `python
-m` programs.

Prints one line for every claim that is wrong, ``file:line: what``, and exits 1 when there is one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
_MAKE = re.compile(r"(?:^|`|\$ |&& )make ((?!-)[a-z][a-z-]*)")
_COMMAND = re.compile(r"(?:^|`|\$ |&& |bin/)credence ([a-z][a-z-]+)(?=[ `\n]|$)")
_PROGRAM = re.compile(r"python -m ([a-z_]+(?:\.[a-z0-9_]+)*)")

Check = Callable[[Path, str], Iterator[str]]


def documents() -> list[Path]:
    """The Markdown files of the project."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def dead_links(document: Path, line: str) -> Iterator[str]:
    for target in _LINK.findall(line):
        if not (document.parent / target).exists():
            yield f"links to {target}, which does not exist"


@cache
def make_targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def unknown_targets(document: Path, line: str) -> Iterator[str]:
    for target in _MAKE.findall(line):
        if target not in make_targets():
            yield f"says `make {target}`, which the Makefile does not have"


@cache
def is_command(name: str) -> bool:
    """Whether the command line knows ``credence NAME``; asked of the program itself."""
    asked = [sys.executable, "-c", "from fhirserver.app.cli import main; main()", name, "--help"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, timeout=60).returncode == 0


def unknown_commands(document: Path, line: str) -> Iterator[str]:
    for name in _COMMAND.findall(line):
        if not is_command(name):
            yield f"says `credence {name}`, which is not a command"


def unknown_programs(document: Path, line: str) -> Iterator[str]:
    for name in _PROGRAM.findall(line):
        place = ROOT.joinpath(*name.split("."))
        ours = (ROOT / name.split(".")[0]).is_dir()
        if ours and not (place.with_suffix(".py").exists() or (place / "__main__.py").exists()):
            yield f"says `python -m {name}`, which does not exist"


CHECKS: tuple[Check, ...] = (dead_links, unknown_targets, unknown_commands, unknown_programs)


def main() -> int:
    wrong = 0
    for document in documents():
        for number, line in enumerate(document.read_text("utf-8").splitlines(), 1):
            for check in CHECKS:
                for what in check(document, line):
                    wrong += 1
                    print(f"{document.relative_to(ROOT)}:{number}: {what}")
    print(f"documents: {len(documents())} read, {wrong} wrong statements")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
