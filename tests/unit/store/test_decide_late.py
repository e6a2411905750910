"""Effective time against recorded time: what comes late never displaces what its source said of a later time."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import canonical
from fhirserver.store.commands import Remove
from fhirserver.store.provenance import provenance
from fhirserver.world.units import split
from tests.unit.store.conftest import Desk

MAY, JUNE, JULY = "2026-05-01", "2026-06-01", "2026-07-01"


def put(desk: Any, effective: str, source: str = "ehr", mode: str = "full", **content: Any) -> Any:
    return desk.put(source, "Patient", "1", content, effective=effective, mode=mode)


def test_a_late_statement_is_held_and_kept_in_the_log(desk: Any) -> None:
    put(desk, JUNE, gender="female")
    written = put(desk, MAY, gender="male", birthDate="1980-02-03")
    assert written.held == ("Patient.birthDate", "Patient.gender") and not written.changed
    assert desk.world("Patient", "1")["gender"] == "female" and "birthDate" not in desk.world("Patient", "1")
    assert desk.commits[-1].events[0]["effective"] == "2026-05-01T00:00:00.000Z"
    assert provenance(desk.commits[-1])["occurredDateTime"].startswith(MAY)


def test_what_says_nothing_else_is_not_kept(desk: Any) -> None:
    put(desk, JUNE, gender="female")
    put(desk, MAY, gender="female")
    assert len(desk.commits) == 1


def test_a_late_statement_tells_of_what_nobody_spoke_of_later(desk: Any) -> None:
    put(desk, JUNE, mode="partial", gender="female")
    put(desk, MAY, mode="partial", gender="male", birthDate="1980-02-03")
    world = desk.world("Patient", "1")
    assert (world["gender"], world["birthDate"]) == ("female", "1980-02-03")


def test_a_late_deletion_deletes_nothing_and_a_late_statement_revives_nothing(desk: Any) -> None:
    put(desk, JUNE, gender="female")
    desk.submit("ehr", *_removal(), effective=MAY)
    assert not desk["Patient", "1"].deleted and desk.commits[-1].events[0]["e"] == "removed"
    desk.submit("ehr", *_removal(), effective=JULY)
    assert desk["Patient", "1"].deleted
    assert put(desk, JUNE, gender="female").held == ("Patient",)
    assert desk["Patient", "1"].deleted
    put(desk, "2026-08-01", gender="female")
    assert not desk["Patient", "1"].deleted


def _removal() -> list[Any]:
    return [Remove("Patient", "1")]


def test_without_an_effective_time_what_comes_later_is_later(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", {"gender": "male"})
    put(desk, MAY, gender="female")
    assert desk.world("Patient", "1")["gender"] == "female"
    desk.put("ehr", "Patient", "1", {"gender": "male"})
    assert desk.world("Patient", "1")["gender"] == "male"


def test_a_full_statement_that_repeats_some_is_of_its_own_time_in_all(desk: Any) -> None:
    put(desk, MAY, gender="female", language="en")
    put(desk, JULY, gender="female", language="de")
    assert put(desk, JUNE, gender="male", language="de", birthDate="1980").held
    assert desk.world("Patient", "1")["gender"] == "female" and "birthDate" not in desk.world("Patient", "1")
    put(desk, "2026-08-01", gender="male", language="de")
    assert desk.world("Patient", "1")["gender"] == "male"


def test_among_equally_sure_sources_the_later_effective_time_wins_whenever_it_came(desk: Any) -> None:
    put(desk, JUNE, source="lab", gender="female")
    put(desk, MAY, source="ehr", gender="male")
    assert desk.world("Patient", "1")["gender"] == "female"
    put(desk, JULY, source="ehr", gender="other")
    assert desk.world("Patient", "1")["gender"] == "other"


contents = st.fixed_dictionaries(
    {},
    optional={
        "gender": st.sampled_from(["male", "female"]),
        "birthDate": st.sampled_from(["1980", "1981"]),
        "telecom": st.lists(
            st.sampled_from(["1", "2", "3"]).map(lambda value: {"system": "phone", "value": value}),
            min_size=1,
            max_size=3,
            unique_by=lambda item: item["value"],
        ),
    },
)


def _news(content: Any, before: list[Any]) -> Any:
    return {n: v for n, v in content.items() if n == "telecom" or all(v != said.get(n) for said in before)}


@settings(max_examples=60, deadline=None)
@given(st.lists(contents, min_size=2, max_size=3), st.sampled_from(["full", "partial"]))
def test_a_sources_own_statements_in_any_order_give_the_same_values(said: list[Any], mode: str) -> None:
    """As long as each says something new: a mere repetition leaves no trace of its time.

    A full statement says something new as a whole; of partial ones that goes for every element.
    """
    if mode == "partial":
        said = [_news(content, said[:number]) for number, content in enumerate(said)]
    said = [{**content, "language": str(number)} for number, content in enumerate(said)]
    dated = list(zip(said, (MAY, JUNE, JULY), strict=False))
    worlds = []
    for order in permutations(dated):
        desk = Desk()
        for content, effective in order:
            put(desk, effective, mode=mode, **content)
        worlds.append(canonical(sorted(desk["Patient", "1"].world.units.items())))
        if mode == "full":
            assert desk["Patient", "1"].world.units == split("Patient", dated[-1][0])
    assert set(worlds) == {worlds[0]}


@pytest.mark.parametrize("mode", ["full", "partial"])
def test_items_keep_the_order_of_the_later_statement(desk: Any, mode: str) -> None:
    one, two = ({"system": "phone", "value": value} for value in ("1", "2"))
    put(desk, JUNE, mode=mode, telecom=[one, two])
    put(desk, MAY, mode=mode, telecom=[two, one])
    assert desk.world("Patient", "1")["telecom"] == [one, two]
