"""The world does not depend on the order of arrival. DESIGN §4.2, last sentence of the first paragraph.

Any interleaving that preserves each source's own order gives the same world. Recorded times belong to the
assertions; positions are the order of arrival, so nothing may depend on them.
"""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from pytest import MonkeyPatch

from fhirserver.kernel.json import dumps
from fhirserver.world import restating
from fhirserver.world.entity import apply
from fhirserver.world.ledger import dump_ledger, load_ledger
from tests.unit.world.strategies import (
    SOURCES,
    assertion,
    commit,
    histories,
    in_time,
    interleaved,
    seeds,
    shown,
    take_in,
)


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_any_interleaving_gives_the_same_world(pick: Random) -> None:
    history = histories(pick)
    assert shown(take_in(interleaved(pick, history))) == shown(take_in(interleaved(pick, history)))


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_deletions_too(pick: Random) -> None:
    first, history = assertion(pick, "ehr"), histories(pick, removals=True)
    one, other = [first, *interleaved(pick, history)], [first, *interleaved(pick, history)]
    assert shown(take_in(one)) == shown(take_in(other))


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_a_row_holds_the_whole_entity(pick: Random) -> None:
    """Written to rows and read back after every commit, or kept in memory: the same bytes."""
    arriving = interleaved(pick, histories(pick, removals=True))
    kept, reloaded = take_in(arriving), take_in(arriving, reload=True)
    assert kept.as_row() == reloaded.as_row()
    assert dumps([view.units for view in kept.ledger.views]) == dumps(
        [v.units for v in reloaded.ledger.views]
    )


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_the_ledger_round_trip_is_identity(pick: Random) -> None:
    entity = take_in(interleaved(pick, histories(pick, removals=True)))
    dumped = dump_ledger(entity.ledger)
    loaded = load_ledger(dumped, entity.ledger.views[0].units)
    assert loaded == entity.ledger and dump_ledger(loaded) == dumped


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_repetition_says_nothing_new(pick: Random) -> None:
    """Whoever repeats their last full statement, as surely or less, changes nothing at all."""
    history = [in_time(said) for said in histories(pick)]
    arriving = [{**event, "full": True} for event in interleaved(pick, history)]
    before = take_in(arriving)
    again = {**arriving[-1], "recorded": "2027-01-01T00:00:00.000Z", "effective": "2027-01-01T00:00:00.000Z"}
    assert apply(before, again, commit(again, len(arriving) + 1)) is before


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_sources_newer_statement_replaces_its_older_one(pick: Random) -> None:
    said = in_time([{**assertion(pick, "ehr"), "full": True} for _ in range(3)])
    entity, alone = take_in(said), take_in(said[2:])
    assert entity.world.units == alone.world.units
    assert entity.ledger.uncontested


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_contested_unit_goes_to_the_surest_then_the_latest(pick: Random) -> None:
    """Against an oracle that knows only the rule, for one unit stated once by each source."""
    said = [{**assertion(pick, source), "full": False} for source in SOURCES]
    for event in said:
        event["content"], event["absent"], event["confidences"] = (
            {"gender": pick.choice(["male", "female"])},
            [],
            {},
        )
    best = max(said, key=lambda e: (e["confidence"], e.get("effective") or e["recorded"], e["source"]))
    pick.shuffle(said)
    world = take_in(said).world
    assert world.units["gender"] == best["content"]
    assert world.confidence == best["confidence"]


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_compacting_never_changes_the_world(pick: Random) -> None:
    arriving = interleaved(pick, histories(pick))
    compacted = take_in(arriving)
    with MonkeyPatch.context() as patch:
        patch.setattr(restating, "compacted", lambda view: view)
        spread = take_in(arriving)
    stamped = [{unit: view.stamp(unit) for unit in view.stated()} for view in compacted.ledger.views]
    assert stamped == [{unit: view.stamp(unit) for unit in view.stated()} for view in spread.ledger.views]
    assert compacted.world.units == spread.world.units and compacted.world.lower == spread.world.lower
