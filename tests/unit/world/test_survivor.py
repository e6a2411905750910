"""Which of two patients is left when they are one."""

from __future__ import annotations

from fhirserver.world.duplicates import survivor
from tests.desk import Desk

AUTHORITATIVE = frozenset({"ehr", "lab"})


def test_authority_then_more_sources_then_age() -> None:
    desk = Desk()
    for source, id in (("agent", "call"), ("form", "form"), ("ehr", "old"), ("ehr", "new"), ("ehr", "two")):
        desk.put(source, "Patient", id, {"gender": "female"})
    desk.put("lab", "Patient", "two", {"gender": "female"})
    desk.put("agent", "Patient", "form", {"gender": "female"}, mode="partial")

    def left(one: str, other: str) -> str:
        two = desk["Patient", one], desk["Patient", other]
        found = survivor(*two, AUTHORITATIVE)
        assert survivor(*reversed(two), AUTHORITATIVE) == found, "whichever comes first"
        return found

    assert left("form", "old") == "old", "an authoritative source outweighs two others"
    assert left("old", "two") == "two", "more sources"
    assert left("old", "new") == "old", "the older"
    assert left("call", "form") == "form"
