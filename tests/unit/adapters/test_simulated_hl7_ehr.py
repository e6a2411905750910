"""The simulated HL7v2 EHR within: what it does with messages and clerks, what it tells, and how both hold together."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import hl7
import pytest
from hl7apy.parser import parse_message

from adapters.hl7v2.message import parse
from adapters.simulator.hl7.books import Books
from adapters.simulator.hl7.clerk import Clerk
from adapters.simulator.hl7.faults import RATES, FaultPlan, Faults, InvalidFaults
from adapters.simulator.hl7.feed import Feed
from adapters.simulator.hl7.hospital import Hospital
from adapters.simulator.hl7.listing import Listing
from adapters.simulator.hl7.options import Options
from adapters.simulator.hl7.reading import Booking, Refused, in_utc
from adapters.simulator.hl7.seed import populate

EMPTY = {"patients": 0, "practitioners": 0}
TODAY = date(2026, 11, 27)
HOUSE = "1234567893^House^Greg^^^^^^^^^^NPI"


def hospital(path: Path | None = None, **options: Any) -> Hospital:
    made = Hospital(Options("token", today=TODAY, **options), Books(path))
    populate(made)
    return made


@pytest.fixture
def ehr() -> Iterator[Hospital]:
    made = hospital(**EMPTY)
    yield made
    made.books.close()


def adt(event: str, id: str, numbers: str, name: str = "DOE^JANE", more: str = "") -> str:
    return (
        f"MSH|^~\\&|CREDENCE||SIMEHR|SIMHOSP|20261127||ADT^{event}|{id}|P|2.5.1\rEVN|{event}\r"
        f"PID|1||{numbers}||{name}||19800203|F\r{more}"
    )


def siu(
    event: str, id: str, placer: str, start: str = "", end: str = "", who: str = HOUSE, of: str = "p1"
) -> str:
    aip = f"AIP|1|A|{who}\r" if who else ""
    return (
        f"MSH|^~\\&|CREDENCE||SIMEHR|SIMHOSP|20261127||SIU^{event}^SIU_S12|{id}|P|2.5.1\r"
        f"SCH|{placer}^CREDENCE||||||||||^^^{start}^{end}\rPID|1||{of}^^^CREDENCE||DOE^JANE\r"
        f"RGS|1|A\rAIS|1|A|VISIT\r{aip}"
    )


def take(ehr: Hospital, *texts: str) -> None:
    for text in texts:
        ehr.take(parse(text))


def told(ehr: Hospital) -> list[tuple[str, str]]:
    """The events of the feed, and of whom."""
    return [(row["event"], row["patients"]) for row in ehr.books.rows("SELECT * FROM feed ORDER BY sequence")]


def messages(ehr: Hospital) -> list[str]:
    return [row["content"] for row in ehr.books.rows("SELECT * FROM feed ORDER BY sequence")]


def listed(ehr: Hospital, table: str, **query: str) -> list[dict[str, Any]]:
    return list(Listing(ehr.books).of(table, query))


def test_what_is_done_remembered_and_told_is_one_transaction(
    ehr: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = parse(siu("S12", "c1", "a1", "20261201090000", "20261201093000"))
    with monkeypatch.context() as broken:
        broken.setattr(ehr._composer, "appointment", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ehr.take(message)
    assert {table: len(listed(ehr, table)) for table in ("patients", "appointments", "writes", "feed")} == {
        "patients": 0,
        "appointments": 0,
        "writes": 0,
        "feed": 0,
    }
    ehr.take(message)
    assert [event for event, _ in told(ehr)] == ["A28", "S12"], "it was not taken for one that was done"


def test_a_control_id_that_was_answered_has_no_effect_and_an_ehr_that_forgets_does_it_twice() -> None:
    twice = [siu("S12", "c1", "a1", "20261201090000", "20261201093000")] * 2
    remembers, forgets = hospital(**EMPTY), hospital(forgets=True, **EMPTY)
    take(remembers, *twice)
    take(forgets, *twice)
    assert len(listed(remembers, "appointments")) == len(listed(remembers, "writes")) == 1
    assert [one["placer"] for one in listed(forgets, "appointments")] == ["a1^CREDENCE"] * 2


def test_what_was_refused_is_tried_again_under_its_control_id(ehr: Hospital) -> None:
    take(ehr, siu("S12", "c1", "a1", "20261201090000", "20261201093000"))
    other = parse(siu("S12", "c2", "a2", "20261201091500", "20261201094500"))
    with pytest.raises(Refused) as refused:
        ehr.take(other)
    assert (refused.value.verdict.error, refused.value.verdict.own) == ("207", "SLOT_TAKEN")
    take(ehr, siu("S15", "c3", "a1"))
    ehr.take(other)
    assert [one["status"] for one in listed(ehr, "appointments")] == ["Cancelled", "Booked"]


def test_writes_are_listed_in_order_with_control_and_placer_ids(ehr: Hospital) -> None:
    take(
        ehr,
        adt("A28", "c1", "p1^^^CREDENCE"),
        siu("S12", "c2", "a1", "20261201090000"),
        siu("S16", "c3", "a1"),
    )
    wanted = [("A28", "c1", ""), ("S12", "c2", "a1^CREDENCE"), ("S16", "c3", "a1^CREDENCE")]
    writes = listed(ehr, "writes")
    assert [(one["event"], one["control_id"], one["placer"]) for one in writes] == wanted
    assert [
        one["sequence"] for one in listed(ehr, "writes", after=str(writes[0]["sequence"]), limit="1")
    ] == [writes[1]["sequence"]]
    assert listed(ehr, "appointments")[0]["status"] == "Dc"


def test_times_are_compared_as_instants(ehr: Hospital) -> None:
    take(ehr, siu("S12", "c1", "a1", "20261201090000+0100", "20261201093000+0100"))
    take(ehr, siu("S12", "c2", "a2", "20261201090000+0000", "20261201093000+0000"))
    with pytest.raises(Refused):
        take(ehr, siu("S12", "c3", "a3", "20261201031500-0500", "20261201034500-0500"))
    take(ehr, siu("S13", "c4", "a1", "202612010330-0500", "202612010400-0500"))
    assert listed(ehr, "appointments")[0]["start"] == "2026-12-01T08:30:00Z"


@pytest.mark.parametrize(
    ("text", "error", "place"),
    [
        (siu("S12", "c", "a1", "20261201"), "102", "SCH-11"),
        (siu("S12", "c", "a1"), "101", "SCH-11"),
        (siu("S12", "c", "a1", "20261201090000", "20261201080000"), "102", "SCH-11"),
        (siu("S15", "c", "nothing", of="p1"), "204", "PID-3"),
        (adt("A28", "c", "H999^^^SIMHOSP"), "204", "PID-3"),
        (adt("A28", "c", ""), "101", "PID-3"),
        (adt("A28", "c", "p1^^^CREDENCE", name=""), "101", "PID-5"),
        (adt("A40", "c", "p1^^^CREDENCE"), "100", "MRG"),
        (adt("A03", "c", "p1^^^CREDENCE"), "201", "MSH-9"),
        (adt("A28", "", "p1^^^CREDENCE"), "101", "MSH-10"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_place(
    ehr: Hospital, text: str, error: str, place: str
) -> None:
    with pytest.raises(Refused) as refused:
        take(ehr, text)
    assert (refused.value.verdict.error, refused.value.verdict.place) == (error, place)
    assert listed(ehr, "writes") == [] and told(ehr) == []


def test_a_placers_number_that_is_known_means_its_appointment(ehr: Hospital) -> None:
    take(ehr, siu("S12", "c1", "a1", "20261201090000", "20261201093000"))
    take(ehr, siu("S12", "c2", "a1", "20261201100000", "20261201103000"))
    (only,) = listed(ehr, "appointments")
    assert only["start"] == "2026-12-01T10:00:00Z"
    assert [event for event, _ in told(ehr)] == ["A28", "S12", "S13"]


def test_patients_are_merged_with_what_they_have(ehr: Hospital) -> None:
    take(ehr, adt("A28", "c1", "p1^^^CREDENCE"), adt("A28", "c2", "p2^^^CREDENCE", "DOE^JAN"))
    take(ehr, siu("S12", "c3", "a1", "20261201090000", of="p2"))
    stays, gone = [one["mrn"] for one in listed(ehr, "patients")]
    take(ehr, adt("A40", "c4", "p1^^^CREDENCE", more="MRG|p2^^^CREDENCE\r"))
    assert listed(ehr, "patients")[1]["merged_into"] == stays
    assert listed(ehr, "appointments")[0]["mrn"] == stays
    assert told(ehr)[-1] == ("A40", f"{stays} {gone}")
    merge = parse(messages(ehr)[-1])
    assert (merge.structure, merge.value("MRG", 1)) == ("ADT_A39", gone)
    take(ehr, siu("S14", "c5", "a1", of="p2"), adt("A40", "c6", "p1^^^CREDENCE", more="MRG|p2^^^CREDENCE\r"))
    assert [event for event, _ in told(ehr)].count("A40") == 1, "they are one already"


def test_everything_it_says_is_read_by_others_and_names_structure_and_character_set(ehr: Hospital) -> None:
    clerk = Clerk(ehr)
    mrn = clerk.register({"name": "Ödön^Zoë", "sex": "F", "event": "A04", "class": "O"})
    gone = clerk.register({"name": "Ödön^Z"})
    filler = clerk.book({"patient": mrn, "start": "2026-12-01T09:00:00Z", "practitioner": "1234567893"})
    clerk.change(filler, {"start": "2026-12-01T10:00:00Z"})
    for event in ("S15", "S26", "S17", "S16"):
        clerk.end(filler, event)
    clerk.alter(mrn, {"phone": None})
    clerk.merge(gone, mrn)
    said = [parse(text) for text in messages(ehr)]
    assert [one.event for one in said] == [
        "A04",
        "A28",
        "S12",
        "S13",
        "S15",
        "S26",
        "S17",
        "S16",
        "A31",
        "A40",
    ]
    for one in said:
        assert one.header.value(9, component=3) == one.structure
        assert one.header.value(18) == "UNICODE UTF-8"
        assert str(hl7.parse(one.text).segment("PID")[3]).endswith("^^^SIMHOSP^MR")
        assert parse_message(one.text, find_groups=True).msh.msh_10.to_er7() == one.control_id
    assert len({one.control_id for one in said}) == len(said)
    assert said[8].value("PID", 13) == '""', "what is taken away is told as an explicit null"


def test_the_seed_gives_practitioners_slots_and_patients_that_others_can_book() -> None:
    one, same, other = hospital(seed=3), hospital(seed=3), hospital(seed=4)
    names = [[found["name"] for found in listed(ehr, "patients")] for ehr in (one, same, other)]
    assert names[0] == names[1] != names[2] and len(names[0]) == 5
    assert [event for event, _ in told(one)] == ["A28", "S12"] * 5
    assert (len(listed(one, "practitioners")), len(listed(one, "slots"))) == (3, 3 * 5 * 16)
    free = listed(one, "slots", free="1")
    assert len(free) == 3 * 5 * 16 - 5
    assert listed(one, "slots", free="1", after=free[1]["id"], limit="2") == free[2:4]
    who, start = (
        free[0]["practitioner"],
        free[0]["start"].replace("-", "").replace(":", "").replace("T", "")[:-1],
    )
    take(one, siu("S12", "c1", "a1", f"{start}+0000", who=who))
    assert len(listed(one, "slots", free="1")) == len(free) - 1
    with pytest.raises(Refused) as refused:
        take(one, siu("S12", "c2", "a2", "20261201031500+0000", who=who))
    assert refused.value.verdict.own == "NO_SLOT"


def test_the_days_that_come_have_slots_too(tmp_path: Path) -> None:
    first = hospital(tmp_path / "ehr.db", days=2)
    first.books.close()
    later = Hospital(Options("token", today=date(2026, 11, 30), days=2), Books(tmp_path / "ehr.db"))
    populate(later)
    days = sorted({one["start"][:10] for one in listed(later, "slots")})
    assert days == ["2026-11-30", "2026-12-01", "2026-12-02"]
    assert len(listed(later, "patients")) == 5
    later.books.close()


def test_disorder_never_passes_an_older_message_of_the_same_patient(ehr: Hospital) -> None:
    clerk = Clerk(ehr)
    mrns = [clerk.register({"name": f"DOE^{n}"}) for n in range(6)]
    for n in range(40):
        clerk.alter(mrns[n % 5], {"phone": f"555{n}"})
    clerk.merge(mrns[5], mrns[0])
    feed, orders = Feed(ehr.books, FaultPlan(Faults(disorder=0.7)), None), defaultdict[str, list[int]](list)
    sent: list[int] = []
    while (row := feed.next()) is not None:
        sent.append(row["sequence"])
        for mrn in row["patients"].split():
            orders[mrn].append(row["sequence"])
        ehr.books.do("UPDATE feed SET sent = 1 WHERE sequence = ?", row["sequence"])
    assert len(sent) == 47 and sent != sorted(sent), "there is disorder"
    assert all(order == sorted(order) for order in orders.values())


def test_ten_thousand_appointments_slow_nothing_down() -> None:
    ehr = hospital(**EMPTY)

    def book(numbers: range) -> float:
        before = time.process_time()
        with ehr.books.transaction():
            for n in numbers:
                at = datetime(2027, 1, 1, 8) + timedelta(minutes=30 * n)
                take(ehr, siu("S12", f"c{n}", f"a{n}", f"{at:%Y%m%d%H%M}"))
        return time.process_time() - before

    few = book(range(300))
    with ehr.books.transaction():
        for n in range(300, 10_000):
            at = in_utc(datetime(2027, 1, 1, 8, tzinfo=UTC) + timedelta(minutes=30 * n))
            ehr.diary.book(Booking(f"a{n}", start=at, resources={"AIP": [HOUSE]}), "M100001")
    many = book(range(10_000, 10_300))
    assert len(listed(ehr, "appointments")) == 10_300
    assert many < 3 * few + 0.05, (few, many)


def test_one_rate_sets_all_and_a_named_one_wins() -> None:
    plan = FaultPlan(Faults())
    plan.change({"rate": 0.2, "late": 0.5, "late_seconds": 0.1})
    assert {plan.as_json()[name] for name in RATES if name != "late"} == {0.2}
    assert plan.as_json()["late"] == 0.5
    plan.change({"reset": True})
    assert {plan.as_json()[name] for name in RATES} == {0.0}


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"rate": 1.5}, "lost"),
        ({"rate": "much"}, "rate"),
        ({"lost": -1}, "lost"),
        ({"late_seconds": True}, "late_seconds"),
        ({"down": -1}, "down"),
        ({"speed": 1}, "speed"),
    ],
)
def test_a_wrong_fault_is_refused_by_name_and_changes_nothing(settings: dict[str, Any], word: str) -> None:
    plan = FaultPlan(Faults(ae=0.1))
    with pytest.raises(InvalidFaults, match=word):
        plan.change(settings)
    assert plan.faults == Faults(ae=0.1)
