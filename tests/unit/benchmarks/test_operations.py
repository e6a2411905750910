"""A figure counts only when the answers were right."""

from __future__ import annotations

import pytest

from benchmarks.dataset import IDENTIFIER, people
from benchmarks.load import Loaded
from benchmarks.operations import Operation, WrongAnswer, operations
from benchmarks.wire import Address
from fhirserver.kernel.json import dumps

ADDRESS = Address("127.0.0.1", 1, "/fhir", "")


@pytest.fixture(scope="module")
def offered() -> dict[str, Operation]:
    found = people(30, 4)
    patients = tuple(f"p{n}" for n in range(30))
    observations = tuple(tuple(f"o{n}-{m}" for m in range(4)) for n in range(30))
    return {one.name: one for one in operations(ADDRESS, Loaded(tuple(found), patients, observations))}


def test_the_data_is_the_same_every_time() -> None:
    assert people(50, 3) == people(50, 3)
    assert len({person.number for person in people(50, 3)}) == 50


def test_no_two_creates_are_alike(offered: dict[str, Operation]) -> None:
    requests = offered["create-patient"].requests
    assert next(requests).wire != next(requests).wire


def test_a_read_of_another_resource_is_wrong(offered: dict[str, Operation]) -> None:
    with pytest.raises(WrongAnswer):
        offered["read"].check(0, b'{"resourceType":"Patient","id":"other"}')


def test_an_answer_to_a_create_must_be_what_was_created(offered: dict[str, Operation]) -> None:
    made = {
        "resourceType": "Patient",
        "id": "x",
        "identifier": [{"system": IDENTIFIER, "value": "N00000007"}],
    }
    offered["create-patient"].check(7, dumps(made))
    with pytest.raises(WrongAnswer):
        offered["create-patient"].check(8, dumps(made))


@pytest.mark.parametrize("name", ["search-patient", "search-observation"])
def test_a_search_must_find_what_is_there(offered: dict[str, Operation], name: str) -> None:
    with pytest.raises(WrongAnswer):
        for key in range(60):
            offered[name].check(key, b'{"resourceType":"Bundle","type":"searchset"}')


def test_a_transaction_with_a_failed_entry_is_wrong(offered: dict[str, Operation]) -> None:
    entries = [{"response": {"status": "201 Created"}}] * 50
    offered["transaction-50"].check(0, dumps({"entry": entries}))
    with pytest.raises(WrongAnswer):
        offered["transaction-50"].check(0, dumps({"entry": [*entries[:49], {"response": {"status": "400"}}]}))
