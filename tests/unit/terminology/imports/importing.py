"""Reading files into a release kept in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from terminology.imports.kind import Given, Import
from tests.unit.terminology.memory_release import MemoryRelease


def read(kind: Import, path: Path, release: MemoryRelease | None = None, version: str = "") -> MemoryRelease:
    """As the command does: header, rows, finish."""
    header = kind.header(path, Given(version=version))
    release = release or MemoryRelease(header["url"], header["version"])
    kind.read(path, release, lambda step, done, of: None)
    list(release.finish(header))
    return release


def assert_same(one: MemoryRelease, other: MemoryRelease) -> None:
    assert one.by_code == other.by_code
    assert one.designations == other.designations
    assert one.properties == other.properties
    assert one.parents_of == other.parents_of
    assert one.header == other.header


def assert_resumes(kind: Import, path: Path, monkeypatch: pytest.MonkeyPatch, version: str = "") -> None:
    """Stopped after any checkpoint, an import that goes on writes what an undisturbed one does."""
    whole = read(kind, path, version=version)
    monkeypatch.setattr("terminology.imports.steps.EACH", 1)
    stops = len(read(kind, path, version=version).marks)
    for stop in range(1, stops + 1):
        begun = MemoryRelease(whole.url, whole.version)
        begun.stop_after = stop
        with pytest.raises(KeyboardInterrupt):
            read(kind, path, begun, version)
        begun.stop_after = None
        assert_same(read(kind, path, begun, version), whole)


def displays(release: MemoryRelease) -> dict[str, str]:
    return {code: concept.display for code, concept in release.by_code.items()}


def names(text: str) -> list[str]:
    """Columns, as the header of a file has them."""
    return text.replace(",", " ").split()
