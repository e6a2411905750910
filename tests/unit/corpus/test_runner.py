"""The runner: what it prints, and when it says that all is well."""

from __future__ import annotations

import io
import tarfile
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

    result = attempt(Suite("broken", "*", run), [Path("material")])
    assert result.counts() == (1, 1, 0)
    assert "no such table" in next(result.failures())[1]


def test_a_suite_without_material_is_left_out(tmp_path: Path) -> None:
    assert [suite.name for suite in SUITES if suite.found(tmp_path)] == []


def test_every_known_failure_has_a_reason_and_a_suite_that_exists() -> None:
    names = {suite.name for suite in SUITES}
    for (suite, _), reason in known_failures().items():
        assert suite in names
        assert len(reason) > 20


def test_every_match_of_a_suite_is_run(tmp_path: Path) -> None:
    for name in ("a.tar.xz", "b.tar"):
        (tmp_path / name).write_bytes(b"")
    suite = Suite("two", "*.tar*", lambda path: [(path.name, True, "")])
    assert attempt(suite, suite.found(tmp_path)).cases == (("a.tar.xz", True, ""), ("b.tar", True, ""))


def archive(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:xz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def test_a_folder_of_other_files_with_some_that_are_broken(tmp_path: Path) -> None:
    """The examples that are sound pass; each that is not fails with its name; what has no suite is passed over."""
    patient = b'{"resourceType": "Patient", "id": "p", "active": true}'
    files = {
        "x/sound.json": patient,
        "y/sound.json": patient.replace(b'"p"', b'"q"'),
        "again.json": patient.replace(b"true", b"false"),
        "cut.json": b'{"resourceType": ',
        "list.json": b"[1]",
        "nobody.json": b'{"resourceType": "Patient"}',
        "bytes.json": b"\xff\x00",
        "notes.md": b"x",
    }
    archive(tmp_path / "fhir-r4" / "examples-other.tar.xz", files)
    (tmp_path / "unknown").mkdir()
    (tmp_path / "fhir-r4" / "fhirpath").mkdir()
    (tmp_path / "fhir-r4" / "fhirpath" / "tests-cut.xml").write_text("<tests><group>")
    found = {suite.name: suite.found(tmp_path) for suite in SUITES}
    suites = {suite.name: suite for suite in SUITES}
    examples = attempt(suites["fhir-r4-examples"], found["fhir-r4-examples"])
    verdicts = {name: passed for name, passed, _ in examples.cases}
    passed = {"sound.json": True, "y/sound.json": True, "again.json": True}
    failed = dict.fromkeys(("cut.json", "list.json", "nobody.json", "bytes.json"), False)
    assert verdicts == passed | failed
    assert attempt(suites["fhirpath"], found["fhirpath"]).counts() == (0, 1, 0)
    assert not found["synthea"] and not found["fhir-r4-validator"]


def test_an_archive_that_is_none_fails_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "synthea.tar.xz").write_text("not an archive")
    suite = next(suite for suite in SUITES if suite.name == "synthea")
    ((name, passed, reason),) = attempt(suite, suite.found(tmp_path)).cases
    assert (name, passed) == ("(synthea.tar.xz)", False)
    assert "\n" not in reason
