"""The check of the documents finds each kind of wrong statement, and nothing in right ones."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_docs", ROOT / "scripts" / "check_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_docs"] = module
    spec.loader.exec_module(module)
    return module


check_docs = _load()


def found(text: str, folder: Path = ROOT) -> list[tuple[int, str]]:
    path = folder / "page.md"
    return check_docs.findings(check_docs.Document(path, text))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("see [there](docs/no-such-page.md)", "docs/no-such-page.md"),
        ("see [there](docs/world-model.md#no-such-heading)", "#no-such-heading"),
        ("run `make no-such-target`", "make no-such-target"),
        ("$ make demoo", "make demoo"),
        ("run `credence no-such-command --x`", "credence no-such-command"),
        ("$ credence serve --no-such-option 1", "--no-such-option"),
        ("run `python -m benchmarks.no_such`", "python -m benchmarks.no_such"),
        ("shown by `tests/unit/docs/test_check_docs.py::test_no_such`", "::test_no_such"),
        ("shown by tests/unit/docs/test_no_such_file.py::test_x", "test_no_such_file.py::test_x"),
        ('```json\n{"a": 1,}\n```', "JSON"),
        ("```toml\n[server]\nprot = 1\n```", "prot"),
        ("```toml\n[policy]\nfiles = 'x'\n```", "files"),
        ("```toml\n[[connector]]\nname = 'a'\nsource = 'b'\nurl = 'https://c'\nspeed = 1\n```", "speed"),
        ("```toml\n[[rule]]\nwriteback = 2\n```", "writeback"),
        ("```toml\n[[rule]\n```", "TOML"),
        ("set `[server] prot`", "prot"),
        ("| setting of `[[connector]]` | meaning |\n|---|---|\n| `speed`, `url` | how fast |", "speed"),
    ],
)
def test_wrong_statement_is_found(text: str, named: str) -> None:
    assert [what for _, what in found(text) if named in what], found(text)


@pytest.mark.parametrize(
    "text",
    [
        "[there](docs/world-model.md#units), [the web](https://example.org/x), [below](#a-heading)\n\n# A heading",
        "run `make demo KEEP=1` or `make test`; make sure of it",
        "$ credence serve --port 8080 && credence doctor",
        "`credence init`'s file",
        "run `python -m benchmarks` or `python -m pytest`",
        "`tests/unit/docs/test_check_docs.py::test_wrong_statement_is_found`, tests/facade.py::Facade",
        '```json\n{"a": 1.0}\n```',
        "```toml\n[[connector]]\nname = 'a'\nsource = 'b'\nurl = 'https://c'\n```",
        "```toml\n[policy]\nfile = 'policy.toml'\n```",
        "```toml\n[[rule]]\ntype = 'Patient'\n```",
        "set `[server] port` and `[[connector]] url`",
        "| setting of `[server]` | meaning |\n|---|---|\n| `port` | a number |\n\n| `speed` | of another table |",
    ],
)
def test_right_statement_passes(text: str, tmp_path: Path) -> None:
    page = ROOT / "page.md"
    if "#a-heading" in text:
        page = tmp_path / "page.md"
        (tmp_path / "docs").symlink_to(ROOT / "docs")
        page.write_text(text)
    assert check_docs.findings(check_docs.Document(page, text)) == []


def test_line_of_the_finding() -> None:
    assert [number for number, _ in found("one\n\n`make nothing`\n")] == [3]


def test_anchors_are_those_of_github(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# `[type]/[id]/$lineage`\n## The agent's *way*\n## Twice\n## Twice\n```\n# no heading\n```\n"
    )
    assert check_docs.anchors(page) == {"typeidlineage", "the-agents-way", "twice", "twice-1"}


def test_a_fence_that_is_not_closed() -> None:
    with pytest.raises(ValueError, match="not closed"):
        found("text\n```json\n{}")
