"""The packing script, piece by piece, and that the packed files are what it makes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from fhirserver.model.definitions import DATA
from fhirserver.model.definitions.conformance import ConformanceArchive
from fhirserver.model.definitions.unions import operands
from tests.unit.model.corpus import CORPUS, ROOT


@pytest.fixture(scope="module")
def pack() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pack_definitions", ROOT / "scripts/pack_definitions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        ("A.b", ["A.b"]),
        ("A.b | C.d", ["A.b", "C.d"]),
        ("(A.b | A.c).d | E.f", ["(A.b | A.c).d", "E.f"]),
        ("A.where(x='|' | y) | B", ["A.where(x='|' | y)", "B"]),
        ("A[0 | 1]|B", ["A[0 | 1]", "B"]),
    ],
)
def test_unions_are_split_at_the_top_only(expression: str, parts: list[str]) -> None:
    assert operands(expression) == parts


def test_the_part_for_a_type(pack: ModuleType) -> None:
    types = {"A": {"k": "resource"}, "AB": {"k": "resource"}, "code": {"k": "primitive-type"}}
    union = "(A.x as code) | AB.x | A.y.where(resolve() is AB)"
    assert pack.expression_for("A", union, types) == "(A.x as code) | A.y.where(resolve() is AB)"
    assert pack.expression_for("AB", union, types) == "AB.x"
    assert pack.expression_for("A", "code | name", types) == "code | name"


def test_resources_are_cut_into_blocks_and_found_again(pack: ModuleType, tmp_path: Path) -> None:
    resources = [
        {"resourceType": "Basic", "id": str(n), "url": f"urn:{n}", "text": {"div": "x"}, "fill": "å" * 50_000}
        for n in range(9)
    ]
    pack.write_conformance(resources, tmp_path / "c.bin")
    archive = ConformanceArchive(tmp_path / "c.bin")
    assert len({e.block for e in archive.entries()}) > 1
    for resource in resources:
        expected = {k: v for k, v in resource.items() if k != "text"}
        assert archive.by_url(resource["url"]) == archive.by_id("Basic", resource["id"]) == expected
    assert archive.by_id("Basic", "10") is None
    assert archive.by_url("urn:1", "Patient") is None


def test_partial_expansions_are_not_taken_for_the_whole(pack: ModuleType) -> None:
    item = {"system": "s", "code": "c"}
    assert pack.codes_of({"contains": [item, {"code": "g", "system": "s", "abstract": True}]}) == {"s": ["c"]}
    assert pack.codes_of({"contains": [item], "total": 2}) is None
    assert pack.codes_of({"contains": [item], "extension": [{"url": "valueset-toocostly"}]}) is None
    assert pack.codes_of({}) is None


def test_the_package_data_is_small() -> None:
    assert sum(file.stat().st_size for file in DATA.iterdir()) < 4_000_000


@pytest.mark.slow
def test_packing_again_gives_the_same_bytes(pack: ModuleType, tmp_path: Path) -> None:
    if not (CORPUS / "fhir-r4").exists():
        pytest.skip("the corpus is not on this machine")
    pack.main(CORPUS / "fhir-r4", tmp_path)
    for file in DATA.glob("*.bin"):
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()
