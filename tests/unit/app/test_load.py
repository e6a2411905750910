"""``credence load``: packages, in and out of order, into a data folder and into a running server."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhirserver.app.commands import load as command
from fhirserver.app.commands.load import report
from fhirserver.app.loading import ServerTarget, StoreTarget, Unreachable, load
from fhirserver.app.packages import InvalidPackage, Package, open_package
from fhirserver.app.wiring import make_context, make_store
from fhirserver.interactions.all import full_registry
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.operations.all import all_operations
from tests.facade import BASE, Facade, facade, settings

MANIFEST: JsonObject = {
    "name": "org.example.colours",
    "version": "1.2.0",
    "fhirVersions": ["4.0.1"],
    "dependencies": {"hl7.fhir.r4.core": "4.0.1", "org.example.base": "0.1.0"},
}


def value_set(id: str, url: str = "http://example.org/ValueSet/a", **more: Any) -> JsonObject:
    return {"resourceType": "ValueSet", "id": id, "url": url, "status": "active", **more}


CONTENT: dict[str, JsonObject | bytes] = {
    "package/.index.json": {"index-version": 2, "files": []},
    "package/ValueSet-a.json": value_set("a"),
    "package/CodeSystem-c.json": {
        "resourceType": "CodeSystem",
        "id": "c",
        "url": "http://example.org/CodeSystem/c",
        "status": "active",
        "content": "complete",
    },
    "package/example/Patient-p.json": {"resourceType": "Patient", "id": "p"},
    "package/other/notes.json": {"no": "resource"},
    "package/xml/a.sch": b"<schema/>",
}


def made(
    folder: Path, content: dict[str, Any] | None = None, manifest: Any = MANIFEST, **open: Any
) -> Package:
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, held in {
            "package/package.json": manifest,
            **(CONTENT if content is None else content),
        }.items():
            data = held if isinstance(held, bytes) else dumps(held)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return open_package(path, **open)


def over_http(server: Facade, name: str = "ehr") -> ServerTarget:
    headers = {"Authorization": f"Bearer token-{name}"}
    return ServerTarget(httpx.AsyncClient(transport=server.transport, base_url=f"{BASE}/", headers=headers))


async def test_into_a_running_server(tmp_path: Path) -> None:
    async with facade(tmp_path) as server:
        package, seen = made(tmp_path), []
        first = await load(package, over_http(server), lambda: seen.append(1))
        assert (first.added, first.failed, len(seen), package.size) == (2, [], 2, 2)
        assert first.missing == {"org.example.base": "0.1.0"}
        assert (await server.reader.get("ValueSet/a")).json()["url"] == "http://example.org/ValueSet/a"
        assert (await server.reader.get("Patient/p")).status_code == 404
        again = await load(made(tmp_path, examples=True), over_http(server))
        assert (again.added, again.unchanged, again.updated) == (1, 2, 0)
        changed = {**CONTENT, "package/ValueSet-a.json": value_set("a", title="Changed")}
        newer = await load(made(tmp_path, changed), over_http(server))
        assert (newer.added, newer.unchanged, newer.updated) == (0, 1, 1)


async def test_every_write_names_the_package(tmp_path: Path) -> None:
    async with facade(tmp_path) as server:
        await load(made(tmp_path), over_http(server))
        found = (await server.reader.get("Provenance?target=ValueSet/a")).json()["entry"][0]["resource"]
        assert found["entity"][0]["what"]["identifier"]["value"] == "org.example.colours#1.2.0"
        assert {"package"} <= {extension.get("valueCode") for extension in found["extension"]}


async def test_what_fails_is_named_and_the_rest_is_loaded(tmp_path: Path) -> None:
    broken: dict[str, Any] = {
        "package/a.json": b"{",
        "package/b.json": {"resourceType": "ValueSet", "id": "b", "status": "none"},
        "package/c.json": {"resourceType": "Nothing", "id": "c"},
        "package/d.json": [],
        "package/e.json": value_set("e"),
    }
    async with facade(tmp_path) as server:
        package = made(tmp_path, broken)
        summary = await load(package, over_http(server))
        reasons = dict(summary.failed)
        assert set(reasons) == {"a.json", "b.json", "c.json", "d.json"}
        assert "ValueSet.status" in reasons["b.json"]
        assert summary.added == 1
        assert "b.json: 422" in report(package, summary)


async def test_an_id_of_something_else_is_left_alone(tmp_path: Path) -> None:
    async with facade(tmp_path) as server:
        await server.ehr.put(value_set("a", "http://example.org/other"))
        for expected in ((2, 0), (0, 2)):
            summary = await load(made(tmp_path), over_http(server))
            assert (summary.added, summary.unchanged) == expected
        assert (await server.reader.get("ValueSet/a")).json()["url"] == "http://example.org/other"
        assert len(await server.reader.ids("ValueSet?url=http://example.org/ValueSet/a")) == 1


async def test_into_a_store(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "sqlite")
    store = make_store(chosen)
    await store.open()
    target = StoreTarget(make_context(chosen, store), full_registry(all_operations()))
    assert (await load(made(tmp_path), target)).added == 2
    guide = {
        "resourceType": "ImplementationGuide",
        "id": "base",
        "url": "http://example.org/ig",
        "name": "Base",
        "status": "active",
        "packageId": "org.example.base",
        "fhirVersion": ["4.0.1"],
    }
    summary = await load(made(tmp_path, {"package/ig.json": guide}), target)
    assert (summary.added, summary.missing) == (1, {})
    version = await store.read("ValueSet", "a")
    assert version is not None
    assert loads(version.content)["meta"]["source"] == "urn:credence:source:credence"
    await store.close()


async def test_a_token_that_may_not_write(tmp_path: Path) -> None:
    async with facade(tmp_path) as server:
        for name in ("reader", "nobody"):
            with pytest.raises(Unreachable, match="token"):
                await load(made(tmp_path), over_http(server, name))


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b"{", "not JSON"),
        ({}, "no name"),
        ({"name": "x", "fhirVersions": ["5.0.0"]}, "FHIR 5.0.0"),
    ],
)
def test_what_is_no_package_says_so(tmp_path: Path, manifest: Any, words: str) -> None:
    with pytest.raises(InvalidPackage, match=words):
        made(tmp_path, {}, manifest)


def test_files_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.tgz").write_text("no archive")
    with tarfile.open(tmp_path / "empty.tgz", "w:gz"):
        pass
    for name in ("none.tgz", "text.tgz", "empty.tgz"):
        assert command.run([str(tmp_path / name)]) == 2
        assert "credence load:" in capsys.readouterr().err


def test_examples_that_only_the_guide_tells(tmp_path: Path) -> None:
    guide = {
        "resourceType": "ImplementationGuide",
        "id": "g",
        "definition": {
            "resource": [
                {"reference": {"reference": "Patient/p"}, "exampleBoolean": True},
                {"reference": {"reference": "Basic/b"}, "exampleCanonical": "http://example.org/profile"},
                {"reference": {"reference": "ValueSet/a"}, "exampleBoolean": False},
            ]
        },
    }
    files = {"ImplementationGuide-g": guide, "ValueSet-a": value_set("a")}
    files |= {"Patient-p": {"resourceType": "Patient"}, "Basic-b": {"resourceType": "Basic"}}
    content = {f"package/{name}.json": held for name, held in files.items()}
    assert made(tmp_path, content).files == {"package/ImplementationGuide-g.json", "package/ValueSet-a.json"}
    assert made(tmp_path, content, examples=True).size == 4


async def test_what_others_are_checked_against_comes_first(tmp_path: Path) -> None:
    base = {"resourceType": "SearchParameter", "status": "active", "base": ["Patient"], "description": "x"}

    def parameter(code: str, **more: Any) -> JsonObject:
        url = f"http://example.org/SearchParameter/{code}"
        return {
            **base,
            "id": code,
            "url": url,
            "name": code,
            "code": code,
            "expression": "Patient.contact",
            **more,
        }

    of = [
        {"definition": "http://example.org/SearchParameter/kin", "expression": "relationship"},
        {"definition": "http://example.org/SearchParameter/sex", "expression": "gender"},
    ]
    content = {
        "package/a.json": parameter("kin-sex", type="composite", component=of),
        "package/b.json": parameter("kin", type="token", expression="Patient.contact.relationship"),
        "package/c.json": parameter("sex", type="token", expression="Patient.contact.gender"),
    }
    async with facade(tmp_path) as server:
        summary = await load(made(tmp_path, content), over_http(server))
        assert summary.failed == []
