"""The queue: what it knows of the log, filters, orders, pages, the item that comes next."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from fhirserver.console.live import event
from fhirserver.console.queue import Happened, Listed, ReviewQueue
from fhirserver.console.queue_filter import ORDERS, PAGE, Filter, Reviewer, following, in_order, selected
from fhirserver.kernel.json import loads
from tests.console_world import small_changes, the_call
from tests.facade import Facade

ANA = Reviewer("ana", "2026-11-28T12:00:00.000Z")
FILTERS = st.builds(
    Filter,
    type=st.sampled_from(["", "Patient"]),
    reason=st.sampled_from(["", "contradicted"]),
    who=st.sampled_from(["", "mine", "free", "ben"]),
    text=st.text(alphabet="aé& =?", max_size=5).map(str.strip),
    sort=st.sampled_from([*ORDERS]),
    page=st.integers(1, 99),
)


def item(id: str, **members: object) -> Listed:
    known: dict[str, object] = {
        "kind": "claims",
        "type": "Patient",
        "description": "Patient: telecom - 1 claim to review",
        "priority": "routine",
        "held_by": "",
        "until": "",
        "due": "",
        "authored": f"2026-11-2{len(id)}T00:00:00.000Z",
        "reasons": ("unverified",),
        "sources": ("agent",),
        "lowest": Decimal("0.5"),
        "patient": "",
        "focus": "",
    }
    return Listed(id, **{**known, **members})  # type: ignore[arg-type]


@given(FILTERS)
def test_a_filter_comes_back_from_its_query(filter: Filter) -> None:
    assert Filter.of(dict(parse_qsl(filter.query()))) == filter


def test_a_query_that_makes_no_sense_asks_for_nothing() -> None:
    assert Filter.of({"page": "-1", "sort": "nonsense", "other": "x"}) == Filter()
    assert Filter.of({"page": "9" * 30}) == Filter()
    assert Filter().query() == ""


def test_filters_admit_by_each_member() -> None:
    held = item("a", held_by="ben", priority="urgent", name="Éva Nagy, born 1980-01-02", patient="Patient/p7")
    for filter in (
        Filter(type="Patient"),
        Filter(reason="unverified"),
        Filter(priority="urgent"),
        Filter(source="agent"),
        Filter(who="ben"),
        Filter(text="eva NA"),
        Filter(text="1980"),
        Filter(text="p7"),
    ):
        assert filter.admits(held, ANA), filter
    for filter in (
        Filter(type="Coverage"),
        Filter(reason="doubtful"),
        Filter(priority="routine"),
        Filter(source="form"),
        Filter(who="mine"),
        Filter(who="free"),
        Filter(text="agy"),
    ):
        assert not filter.admits(held, ANA), filter


def test_a_hold_that_has_ended_is_none() -> None:
    held = item("a", held_by="ben", until="2026-11-28T11:59:59.000Z")
    assert Filter(who="free").admits(held, ANA)
    assert not Filter(who="free").admits(item("a", held_by="ben", until="2026-11-28T12:00:01.000Z"), ANA)


async def test_orders_and_what_comes_next(server: Facade) -> None:
    queue = ReviewQueue(server.store)
    queue.items = {
        one.id: one
        for one in (
            item("a", lowest=Decimal("0.2")),
            item("bb", priority="urgent"),
            item("ccc", priority="stat", held_by="ben"),
            item("dddd", lowest=None),
        )
    }

    async def order(sort: str) -> list[str]:
        return [one.id for one in await in_order(queue, Filter(sort=sort), ANA)]

    assert await order("priority") == ["ccc", "bb", "a", "dddd"]
    assert await order("newest") == ["dddd", "ccc", "bb", "a"]
    assert await order("confidence") == ["a", "bb", "ccc", "dddd"]
    assert await following(queue, Filter(), ANA, "bb") == "a"
    assert await following(queue, Filter(), ANA, "dddd") == "bb", "from the start, past what ben holds"
    assert await following(queue, Filter(), ANA, "unknown") == "bb"
    queue.items = {"ccc": queue.items["ccc"]}
    assert await following(queue, Filter(), ANA, "ccc") == ""


async def test_pages_of_thousands(server: Facade) -> None:
    queue = ReviewQueue(server.store)
    queue.items = {f"{n:04}": item(f"{n:04}") for n in range(2 * PAGE + 1)}
    page = await selected(queue, Filter(sort="oldest", page=3), ANA)
    assert (page.pages, page.total, page.first, [one.id for one in page.items]) == (3, 101, 101, ["0100"])
    assert (await selected(queue, Filter(page=99), ANA)).filter.page == 3, "the last one there is"


async def test_the_queue_follows_the_log(server: Facade) -> None:
    items = await the_call(server)
    queue = ReviewQueue(server.store)
    await queue.refresh()
    assert queue.items.keys() == set(items.values())
    assert queue.items[items["Patient/ada"]].reasons[0] == "contradicted"
    begun = queue.position
    (new,) = await small_changes(server, 1)
    await server.ana("POST", f"Task/{new}/$claim")
    await queue.refresh()
    await server.ana("POST", f"Task/{new}/$release")
    await queue.refresh()
    await server.ben("POST", f"Task/{new}/$approve")
    await queue.refresh()
    happened = [(one.what, one.by) for one in queue.since(begun) if one.id == new]
    assert happened[0][0] == "new"
    assert happened[-2:] == [("free", "ana"), ("decided", "ben")]
    assert new not in queue.items
    assert queue.since(queue.position) == []
    fresh = ReviewQueue(server.store)
    await fresh.refresh()
    assert fresh.items == queue.items, "what follows the log and what searches find are the same"


async def test_a_name_that_changes_is_looked_up_again(server: Facade) -> None:
    (id,) = await small_changes(server, 1)
    queue = ReviewQueue(server.store)
    await queue.refresh()
    before = (await queue.named([queue.items[id]]))[0].name
    record = (await server.ehr.get("Patient/p0")).json()
    await server.ehr.put({**record, "name": [{"family": "Newname"}]})
    await queue.refresh()
    assert "Newname" not in before
    assert (await queue.named([queue.items[id]]))[0].name.startswith("Newname")


def test_an_event_is_one_of_the_stream() -> None:
    lines = event(7, [Happened(7, "x", "held", "ana", "Patient: telecom")], 3).decode().split("\n")
    assert lines[:2] == ["id: 7", "event: queue"]
    assert lines[3:] == ["", ""]
    told = loads(lines[2].removeprefix("data: "))
    assert told == {
        "waiting": 3,
        "happened": [{"id": "x", "what": "held", "by": "ana", "about": "Patient: telecom"}],
    }
