"""The runner: what it prints, and when it says that all is well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus.__main__ import known_failures, show
from tests.corpus.registry import SUITES
from tests.corpus.suite import Case, Result, Suite, attempt

RESULT = Result("one", (("a", True, ""), ("b", False, "because"), ("c", None, "not here")))


def test_one_line_per_suite_then_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(RESULT, {}) == 1
    assert capsys.readouterr().out.splitlines() == [
        "suite one: 1 passed, 1 failed, 1 skipped",
        "  b: because",
    ]


def test_a_known_failure_is_excused_and_a_mended_one_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(RESULT, {("one", "b"): "later", ("one", "a"): "once", ("two", "a"): "other suite"}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "  b: because [known: later]",
        "  a passes by now: take it out of known_failures.toml",
    ]


def test_a_suite_that_breaks_down_has_failed() -> None:
    def run(material: Path) -> Iterator[Case]:
        yield "first", True, ""
        raise RuntimeError("no such table")

    result = attempt(Suite("broken", "*", run), Path())
    assert result.counts() == (1, 1, 0)
    assert "no such table" in next(result.failures())[1]


def test_a_suite_without_material_is_left_out(tmp_path: Path) -> None:
    assert [suite.name for suite in SUITES if suite.found(tmp_path)] == []


def test_every_known_failure_has_a_reason_and_a_suite_that_exists() -> None:
    names = {suite.name for suite in SUITES}
    for (suite, _), reason in known_failures().items():
        assert suite in names
        assert len(reason) > 20
