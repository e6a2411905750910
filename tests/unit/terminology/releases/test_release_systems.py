"""The system over an imported release answers as the one in memory does."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings

from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.storage.sqlite.releases.folder import ReleaseFolder
from terminology.imports.fhir_json import FhirImport
from terminology.imports.kind import Given
from terminology.releases.system import ReleaseSystem
from terminology.systems import System
from tests.contracts.code_system_contract import CodeSystemContract, code_systems


@contextmanager
def imported(resource: JsonObject) -> Iterator[System]:
    with tempfile.TemporaryDirectory() as folder:
        path, reader = Path(folder, "system.json"), FhirImport()
        path.write_bytes(dumps(resource))
        header = reader.header(path, Given())
        releases = ReleaseFolder(Path(folder, "terminology"))
        writer = releases.writer(header["url"], header["version"])
        reader.read(path, writer, lambda *_: None)
        for _ in writer.finish(header):
            pass
        release = releases.find(header["url"])
        assert release is not None
        yield ReleaseSystem(release)
        release.close()


@settings(max_examples=6, deadline=None)
@given(code_systems())
def test_what_is_below_a_concept_by_first_parents_follows_it_in_one_run(resource: JsonObject) -> None:
    with imported(resource) as system:
        listed = [one.code for one in system.at(range(system.size))]
        run: list[str] = []
        for code in listed:
            parents = [*system.parents(code)]
            while run and (not parents or run[-1] != parents[0]):
                run.pop()
            assert bool(run) is bool(parents)
            run.append(code)


class TestImported(CodeSystemContract):
    make = staticmethod(imported)
