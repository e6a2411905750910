"""``$expand?filter=`` over an imported release: whatever the value set holds of it, and however many are called so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Question
from fhirserver.storage.sqlite.releases.folder import ReleaseFolder
from terminology.releases.system import ReleaseSystems
from terminology.service import TerminologyService

URL = "http://example.org/big"
COMMON, RARE = 31_000, 1_100


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TerminologyService]:
    """All are called "disease"; those below "rare" have the longest names, so that they are found last."""
    releases = ReleaseFolder(Path(tmp_path_factory.mktemp("releases")))
    writer = releases.writer(URL, "1")
    writer.concept("common", "All others")
    writer.concept("rare", "Rare ones")
    for number in range(COMMON):
        writer.concept(f"c{number}", f"Disease {number}")
        writer.parent(f"c{number}", "common")
    for number in range(RARE):
        writer.concept(f"r{number}", f"Disease that few people have {number}")
        writer.parent(f"r{number}", "rare")
    for _ in writer.finish({"resourceType": "CodeSystem", "status": "active", "content": "complete"}):
        pass
    yield TerminologyService(releases=releases, over_release=ReleaseSystems())


def expanded(service: TerminologyService, code: str, text: str, **more: int) -> JsonObject:
    include = {"system": URL, "filter": [{"property": "concept", "op": "descendent-of", "value": code}]}
    value_set = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [include]}}
    given = {"valueSet": [value_set], "filter": [text], **{name: [value] for name, value in more.items()}}
    answer: JsonObject = service.answer("expand", Question(given, "", ""))["expansion"]
    return answer


def codes(expansion: JsonObject) -> list[str]:
    return [one["code"] for one in expansion.get("contains", ())]


def test_the_few_of_many_that_are_called_so_are_all_found(service: TerminologyService) -> None:
    whole = expanded(service, "rare", "dis")
    assert sorted(codes(whole)) == sorted(f"r{number}" for number in range(RARE))
    assert "total" not in whole  # the answer has them all


def test_pages_of_a_set_follow_each_other_without_gaps(service: TerminologyService) -> None:
    pages = [expanded(service, "rare", "disease", offset=at, count=400) for at in range(0, RARE + 400, 400)]
    assert [code for page in pages for code in codes(page)] == codes(expanded(service, "rare", "disease"))
    assert len(codes(pages[-2])) == RARE % 400 and codes(pages[-1]) == []


def test_a_total_is_told_where_it_is_known(service: TerminologyService) -> None:
    assert "total" not in expanded(service, "rare", "disease", count=20)  # of 32,100 that are called so
    assert expanded(service, "rare", "people", count=20)["total"] == RARE
    assert "total" not in expanded(service, "common", "people", count=20)  # none, and all of them are there
    assert expanded(service, "common", "people", count=20, offset=0)["total"] == 0
    assert expanded(service, "common", "disease 39", count=0)["total"] == 111
