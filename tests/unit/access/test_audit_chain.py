"""The seals of the trail show what was done to it, and where."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fhirserver.access.audit.chain import MOST_BYTES, Chain, TooLarge, commits_of, events_of, packed, spans
from fhirserver.access.audit.event import Event
from fhirserver.access.server_key import ServerKey
from fhirserver.ports.audit import Sealed

KEY = ServerKey(b"k" * 32)


def event(at: int, **members: object) -> Event:
    return Event("read", at, "Patient", str(at), "1", **members)  # type: ignore[arg-type]


def chain_of(*lots: Sequence[Event], chain: Chain | None = None) -> list[Sealed]:
    made: list[Sealed] = []
    for events in lots:
        chain = chain or Chain(KEY)
        made.append(chain.sealed(made[-1] if made else None, events, packed(events)))
    return made


def flaws(batches: Sequence[Sealed], key: ServerKey = KEY) -> list[str]:
    chain, before, found = Chain(key), None, []
    for batch in batches:
        found.append(chain.flaw(before, batch))
        before = batch
    return found


THREE = chain_of([event(1), event(2, commits=(7,))], [event(3)], [event(4)])


def test_a_batch_says_what_is_in_it_and_gives_it_back() -> None:
    events = [
        event(5, shown=(("Patient", "1", 1),), details={"é": "1"}, query="name=é"),
        event(3, commits=(8,)),
    ]
    [batch] = chain_of([*events, event(4, commits=(9,))])
    assert (batch.number, batch.since, batch.until, batch.entries) == (1, 3, 5, 3)
    assert events_of(batch) == [*events, event(4, commits=(9,))]
    assert commits_of(batch) == {8, 9} and batch.commits == b"[[8,9]]"


def test_what_nobody_touched_has_no_flaw() -> None:
    assert flaws(THREE) == ["", "", ""]
    assert [batch.previous for batch in THREE] == [b"", THREE[0].seal, THREE[1].seal]


@pytest.mark.parametrize("name", [name for name in Sealed._fields if name not in ("key", "number")])
def test_a_change_of_any_member_shows_at_its_batch(name: str) -> None:
    value = getattr(THREE[1], name)
    changed = bytes([value[0] ^ 1]) + value[1:] if isinstance(value, bytes) else value + 1
    found = flaws([THREE[0], THREE[1]._replace(**{name: changed}), THREE[2]])
    assert found[0] == "" and "changed" in found[1]


def test_a_batch_that_is_left_out_or_exchanged_is_missed() -> None:
    assert flaws([THREE[0], THREE[2]]) == ["", "the one before it is missing"]
    forged = Chain(KEY).sealed(None, [event(1)], packed([event(1)]))
    assert flaws([forged, *THREE[1:]])[:2] == [
        "",
        "it does not follow the one before it, which was exchanged",
    ]


def test_batches_sealed_with_another_key_are_no_part_of_it() -> None:
    other = ServerKey(b"o" * 32)
    forged = chain_of([event(1)], chain=Chain(other))
    assert "another key" in flaws(forged)[0]
    named = forged[0]._replace(key=Chain(KEY).name)
    assert "changed" in flaws([named])[0]


def test_accounting_never_goes_back() -> None:
    chain = Chain(KEY)
    first = chain.sealed(None, [event(1)], b"", accounted=9)
    assert chain.sealed(first, [event(2)], b"", accounted=4).accounted == 9


def test_what_is_too_large_for_one_batch_is_refused_but_never_a_single_event() -> None:
    long = event(1, query="é" * MOST_BYTES)
    with pytest.raises(TooLarge):
        packed([long, event(2)])
    assert packed([long])


def test_spans() -> None:
    assert spans([]) == [] and spans([3, 1, 2, 2, 7]) == [[1, 3], [7, 7]]


def test_damaged_entries_raise() -> None:
    with pytest.raises(ValueError, match="batch 1"):
        events_of(THREE[0]._replace(data=b"nothing"))


def test_half_a_character_stops_nothing() -> None:
    half = "a\ud800b"
    events = [
        event(1),
        event(2, query=half, shown=((half, half, 1),), details={half: half}),
        event(3, purpose=half),
    ]
    [batch] = chain_of(events)
    assert [one.at for one in events_of(batch)] == [1, 2, 3]
    assert events_of(batch)[1].query == "a?b" and events_of(batch)[1].details == {"a?b": "a?b"}
    assert events_of(batch)[0] == events[0]
