"""Check that what the documents say exists: linked files and their headings, `make` targets, `credence`
commands and their options, `python -m` programs, settings, tests; and that JSON and TOML in them can be read.

Prints one line for every claim that is wrong, ``file:line: what``, and exits 1 when there is one.
"""

from __future__ import annotations

import importlib
import io
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
_MAKE = re.compile(r"(?:^|`|\$ |&& )make ((?!-)[a-z][a-z0-9-]*)")
_COMMAND = re.compile(r"(?:^|`|\$ |&& |bin/)credence ([a-z][a-z-]+)(?=[ `\n]|$)([^`|&>]*)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_PROGRAM = re.compile(r"python -m ([a-z_]+(?:\.[a-z0-9_]+)*)")
_TEST = re.compile(r"(?<![\w/])(tests/[\w/]+\.py)::(\w+)")
_DEFINED = re.compile(r"^ *(?:async )?(?:def|class) (\w+)", re.MULTILINE)
_FENCE = re.compile(r"\s*```+\s*(\w*)")
_SETTINGS_OF = re.compile(r"setting of `(\[\[?[\w.]+\]\]?)`")
_SETTING = re.compile(r"`(\[\[?[a-z.]+\]\]?) ([a-z][a-z0-9_]*)[^`]*`")
_NAME = re.compile(r"`([a-z][a-z0-9_]*)`")
_HEADING = re.compile(r"#{1,6}\s+(.*)")

Finding = tuple[int, str]
"""Line number, from 1, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block: its language, the line of its fence, its text."""

    language: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One Markdown file."""

    path: Path
    text: str

    def lines(self) -> Iterator[tuple[int, str]]:
        return enumerate(self.text.splitlines(), 1)

    def fences(self) -> Iterator[Fence]:
        """The fenced blocks. Raises ``ValueError`` for one that is never closed."""
        begun: tuple[str, int] | None = None
        inside: list[str] = []
        for number, line in self.lines():
            mark = _FENCE.match(line)
            if mark is None:
                inside.append(line)
            elif begun is None:
                begun, inside = (mark[1], number), []
            else:
                yield Fence(begun[0], begun[1], "\n".join(inside))
                begun = None
        if begun is not None:
            raise ValueError(f"{self.path}:{begun[1]}: a fence is not closed")


Check = Callable[[Document], Iterator[Finding]]


def documents(root: Path = ROOT) -> list[Document]:
    """The Markdown files of the project."""
    paths = [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]
    return [Document(path, path.read_text("utf-8")) for path in paths]


def dead_links(document: Document) -> Iterator[Finding]:
    for number, line in document.lines():
        for target, anchor in _LINK.findall(line):
            place = document.path.parent / target if target else document.path
            if not place.exists():
                yield number, f"links to {target}, which does not exist"
            elif anchor and place.suffix == ".md" and anchor not in anchors(place):
                yield number, f"links to #{anchor}, a heading that {place.name} does not have"


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    fenced = False
    for line in path.read_text("utf-8").splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading:
            slug = re.sub(r"[^\w\- ]", "", heading[1].strip().lower()).replace(" ", "-")
            found[slug] = found.get(slug, -1) + 1
    return frozenset(
        f"{slug}-{again}" if again else slug for slug, n in found.items() for again in range(n + 1)
    )


def make_targets(root: Path = ROOT) -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z][a-z0-9-]*):", (root / "Makefile").read_text("utf-8"), re.MULTILINE))


def unknown_targets(document: Document) -> Iterator[Finding]:
    for number, line in document.lines():
        for target in _MAKE.findall(line):
            if target not in make_targets():
                yield number, f"says `make {target}`, which the Makefile does not have"


@cache
def help_of(name: str) -> str | None:
    """What ``credence NAME --help`` prints; None where there is no such command."""
    from fhirserver.app.cli import main

    shown = io.StringIO()
    with redirect_stdout(shown), redirect_stderr(shown):
        try:
            code = main([name, "--help"])
        except SystemExit as end:
            code = int(end.code or 0)
    return shown.getvalue() if code == 0 else None


def unknown_commands(document: Document) -> Iterator[Finding]:
    for number, line in document.lines():
        for name, rest in _COMMAND.findall(line):
            options = help_of(name)
            if options is None:
                yield number, f"says `credence {name}`, which is not a command"
                continue
            for option in _OPTION.findall(rest):
                if option not in _OPTION.findall(options):
                    yield number, f"says `credence {name} {option}`, an option that it does not have"


def unknown_programs(document: Document) -> Iterator[Finding]:
    for number, line in document.lines():
        for name in _PROGRAM.findall(line):
            place = ROOT.joinpath(*name.split("."))
            ours = (ROOT / name.split(".")[0]).is_dir()
            if ours and not (place.with_suffix(".py").exists() or (place / "__main__.py").exists()):
                yield number, f"says `python -m {name}`, which does not exist"


def unknown_tests(document: Document) -> Iterator[Finding]:
    """Tests named as ``tests/unit/test_x.py::test_y``; of a suite of the corpus, a function."""
    for number, line in document.lines():
        for path, name in _TEST.findall(line):
            if name not in defined_in(ROOT / path):
                yield number, f"names {path}::{name}, which does not exist"


@cache
def defined_in(path: Path) -> frozenset[str]:
    """The functions and classes of a Python file; none where there is no such file."""
    return frozenset(_DEFINED.findall(path.read_text("utf-8")) if path.exists() else ())


def bad_json(document: Document) -> Iterator[Finding]:
    for fence in document.fences():
        if fence.language == "json":
            try:
                json.loads(fence.text)
            except ValueError as error:
                yield fence.line, f"has JSON that cannot be read: {error}"


def bad_toml(document: Document) -> Iterator[Finding]:
    """Blocks of settings and of policy rules must be such, with no setting that there is not."""
    for fence in document.fences():
        if fence.language == "toml" and (problem := wrong_toml(fence.text)):
            yield fence.line, f"has TOML that is wrong: {problem}"


def wrong_toml(text: str) -> str:
    """What is wrong with settings or policy rules; empty where nothing is."""
    settings = importlib.import_module("fhirserver.app.settings")
    policy = importlib.import_module("fhirserver.world.policy")
    try:
        told = tomllib.loads(text)
        if "rule" in told:
            policy.parse_policy(text)
        else:
            settings.parse_settings(_completed(told), ROOT)
    except (tomllib.TOMLDecodeError, settings.InvalidSettings, policy.InvalidPolicy) as error:
        return str(error)
    return ""


def _completed(told: dict[str, Any]) -> dict[str, Any]:
    """Settings out of a document with the sources they speak of, and without the files they name."""
    sources = list(told.get("source", ()))
    named = {
        str(one.get("source", ""))
        for kind in ("connector", "principal", "client")
        for one in told.get(kind, ())
    }
    stated = {one.get("id") for one in sources}
    sources += [{"id": name} for name in sorted(named - {""} - stated)]
    kept = {name: value for name, value in told.items() if name != "policy"}
    policy = [name for name in told.get("policy", ()) if name != "file"]
    return {**kept, "policy": dict.fromkeys(policy), "source": sources}


def unknown_settings(document: Document) -> Iterator[Finding]:
    """Settings named as `[table] name`, or in the first column of a table headed "setting of `[table]`"."""
    table = ""
    for number, line in document.lines():
        cells = line.split("|") if line.startswith("|") else []
        heading = _SETTINGS_OF.search(cells[1]) if len(cells) > 1 else None
        table = heading[1] if heading else table if cells else ""
        named = [(table, name) for name in _NAME.findall(cells[1])] if table and not heading else []
        for where, name in [*named, *_SETTING.findall(line)]:
            if not is_setting(where, name):
                yield number, f"says {where} {name}, a setting that there is not"


@cache
def is_setting(table: str, name: str) -> bool:
    """Whether ``[server]`` or ``[[connector]]`` has a setting of that name; asked of the program itself."""
    settings = importlib.import_module("fhirserver.app.settings")
    entry: object = {name: ""}
    try:
        settings.parse_settings({table.strip("[]"): [entry] if table.startswith("[[") else entry}, ROOT)
    except settings.InvalidSettings as error:
        return "unknown setting" not in str(error)
    return True


CHECKS: tuple[Check, ...] = (
    dead_links,
    unknown_targets,
    unknown_commands,
    unknown_programs,
    unknown_tests,
    bad_json,
    bad_toml,
    unknown_settings,
)


def findings(document: Document) -> list[Finding]:
    """Everything that is wrong in one document, in order."""
    return sorted(found for check in CHECKS for found in check(document))


def main() -> int:
    wrong = 0
    read = documents()
    for document in read:
        for number, what in findings(document):
            wrong += 1
            print(f"{document.path.relative_to(ROOT)}:{number}: {what}")
    print(f"documents: {len(read)} read, {wrong} wrong statements")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
