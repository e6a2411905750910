"""``credence terminology``: into a data folder that a server is serving from, interrupted, refused, removed."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fhirserver.app.commands import terminology as command
from fhirserver.app.importing import header_id
from fhirserver.app.storages import make_releases
from fhirserver.kernel.json import JsonObject, dumps
from terminology.imports.fhir_json import FhirImport
from tests.facade import Facade, facade, settings

URL = "http://example.org/fhir/CodeSystem/animals"


def system(version: str = "1", *more: JsonObject, **members: Any) -> JsonObject:
    return {
        "resourceType": "CodeSystem",
        "url": URL,
        "version": version,
        "name": "Animals",
        "status": "active",
        "content": "complete",
        "concept": [
            {"code": "animal", "display": "Animal", "concept": [{"code": "dog", "display": "Dog"}]},
            {"code": "plant", "display": "Plant"},
            *more,
        ],
        **members,
    }


def run(folder: Path, *arguments: str) -> int:
    config = folder / "credence.toml"
    config.write_text('[storage]\npath = "credence.db"\n')
    return command.run([*arguments, "--config", str(config)])


def source(folder: Path, resource: JsonObject) -> str:
    path = folder / "animals.json"
    path.write_bytes(dumps(resource))
    return str(path)


async def _lookup(world: Facade, code: str, **more: str) -> int:
    asked = "&".join(f"{name}={value}" for name, value in {"system": URL, "code": code, **more}.items())
    return (await world.ehr.get(f"CodeSystem/$lookup?{asked}")).status_code


async def _expanded(world: Facade, text: str) -> list[str]:
    included = {"system": URL, "filter": [{"property": "concept", "op": "is-a", "value": "animal"}]}
    value_set = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [included]}}
    parameters = [{"name": "valueSet", "resource": value_set}, {"name": "filter", "valueString": text}]
    asked = {"resourceType": "Parameters", "parameter": parameters}
    answer = await world.ehr("POST", "ValueSet/$expand", asked)
    assert answer.status_code == 200, answer.text
    return [one["code"] for one in answer.json()["expansion"].get("contains", ())]


async def test_a_running_server_answers_from_what_is_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with facade(tmp_path, "sqlite") as world:
        assert await _lookup(world, "dog") == 404
        for version in ("1", "2"):
            more = [{"code": "cat", "display": "Cat"}] if version == "2" else []
            path = source(tmp_path, system(version, *more))
            assert await asyncio.to_thread(run, tmp_path, "import", "fhir", path) == 0
        assert f"Animals: 4 concepts as {URL}|2, 1 resources written" in capsys.readouterr().out
        assert [await _lookup(world, "cat"), await _lookup(world, "cat", version="1")] == [200, 404]
        found = (await world.ehr.get(f"CodeSystem?url={URL}&_sort=version")).json()
        told = [one["resource"] for one in found["entry"]]
        assert [(one["version"], one["content"], one["count"]) for one in told] == [
            ("1", "not-present", 3),
            ("2", "not-present", 4),
        ]
        assert "concept" not in told[0]
        provenance = (await world.ehr.get(f"Provenance?target=CodeSystem/{told[0]['id']}")).json()
        assert provenance["entry"][0]["resource"]["entity"][0]["what"]["identifier"]["value"] == "1"
        assert await _expanded(world, "an") == ["animal"]
        asked = f"CodeSystem/$subsumes?system={URL}&codeA=animal&codeB=dog"
        assert (await world.ehr.get(asked)).json()["parameter"][0]["valueCode"] == "subsumes"
        statement = (await world.ehr.get("metadata?mode=terminology")).json()
        assert [one for one in statement["codeSystem"] if one["uri"] == URL]
        assert await asyncio.to_thread(run, tmp_path, "remove", URL, "2") == 0
        assert [await _lookup(world, "cat"), await _lookup(world, "dog")] == [404, 200]
        assert (await world.ehr.get(f"CodeSystem/{header_id(URL, '2')}")).status_code == 410
        assert await asyncio.to_thread(run, tmp_path, "remove", URL, "2") == 1
        assert await asyncio.to_thread(run, tmp_path, "list") == 0
    assert f"{URL}|1  3 concepts" in capsys.readouterr().out


def test_what_was_imported_before_is_not_imported_anew_unless_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = source(tmp_path, system())
    generations = []
    for again in ([], [], ["--again"]):
        assert run(tmp_path, "import", "fhir", path, *again) == 0
        generations.append(make_releases(settings(tmp_path)).generation())
    assert generations[0] == generations[1] != generations[2]
    assert "was imported before; --again imports it anew" in capsys.readouterr().err


def test_an_interrupted_import_says_where_it_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source(tmp_path, system())

    def read(self: FhirImport, _: Path, writer: Any, progress: Any) -> None:
        writer.concept("animal", "Animal")
        writer.checkpoint("reading concepts", 1)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(FhirImport, "read", read)
        assert run(tmp_path, "import", "fhir", path) == 130
    assert "the same command goes on from here" in capsys.readouterr().err
    assert run(tmp_path, "list") == 0 and capsys.readouterr().out == ""
    source(tmp_path, system(name="Beasts"))
    assert run(tmp_path, "import", "fhir", path) == 0
    assert "it begins anew" in capsys.readouterr().err


def test_it_goes_on_where_the_files_are_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source(tmp_path, system())
    whole = FhirImport.read

    def read(self: FhirImport, path: Path, writer: Any, progress: Any) -> None:
        whole(self, path, writer, progress)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(FhirImport, "read", read)
        assert run(tmp_path, "import", "fhir", path) == 130
    assert run(tmp_path, "import", "fhir", path) == 0
    told = capsys.readouterr()
    assert "it goes on from reading concepts 3" in told.err
    assert "Animals: 3 concepts" in told.out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("fhir", "nowhere.json"), "there is no such file or folder"),
        (("csv", "animals.json"), "this does not look like csv, but like fhir"),
        (("fhir", "twice.json"), "The code dog is there twice"),
        (("fhir", "cut.json"), "line 1: it ends in the middle"),
    ],
)
def test_what_cannot_be_imported_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str], why: str
) -> None:
    path = Path(source(tmp_path, system()))
    (tmp_path / "twice.json").write_bytes(dumps(system("1", {"code": "dog"})))
    (tmp_path / "cut.json").write_bytes(path.read_bytes()[:-30])
    kind, name = arguments
    assert run(tmp_path, "import", kind, str(tmp_path / name)) == 2
    assert why in capsys.readouterr().err
    assert [*(tmp_path).glob("terminology/**/*.*")] == []


def test_a_disk_that_is_full_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(FhirImport, "read", read)
    assert run(tmp_path, "import", "fhir", source(tmp_path, system())) == 2
    assert "database or disk is full" in capsys.readouterr().err
