"""Which of two versions of a record is the newer one."""

import pytest

from adapters.runner.crosswalk import Link
from adapters.runner.inbound import our_mark, own_words
from fhirserver.ports.ehr import Record

MARK = "https://credence.health/fhir/identifier/writeback"
NOON, LATER = "2026-11-22T12:00:00Z", "2026-11-22T12:00:01Z"


def link(version="2", updated=NOON, deleted=False):
    return Link("ehr", "Patient", "r", "w", version, updated, deleted, 1)


def record(version, updated, deleted=False):
    return Record("Patient", "r", version, updated, {}, deleted)


@pytest.mark.parametrize(
    ("found", "news"),
    [
        (record("2", NOON), False),
        (record("3", LATER), True),
        (record("1", "2026-11-22T11:00:00Z"), False),
        (record("3", NOON), True),
        (record("1", NOON), False),
        (record("abc", NOON), True),
        (record("3", ""), True),
        (record("1", ""), False),
        (record("3", "not a time"), True),
        (record("", LATER, deleted=True), True),
    ],
)
def test_time_decides_then_the_number(found, news):
    assert link().is_news(found) is news


def test_a_deletion_is_news_once():
    assert not link(deleted=True).is_news(record("", LATER, deleted=True))
    assert link(deleted=True).is_news(record("3", LATER))


def test_our_marks_are_not_the_ehr_s_words():
    content = {
        "resourceType": "Patient",
        "id": "r",
        "meta": {"versionId": "1", "tag": [{"system": MARK, "code": "Patient/w@1-x"}]},
        "identifier": [{"system": MARK, "value": "Patient/w"}],
        "gender": "female",
    }
    assert own_words(content) == {"resourceType": "Patient", "gender": "female"}
    assert our_mark(content) == ("Patient", "w")


def test_a_mark_is_found_in_a_tag_and_malformed_records_have_none():
    assert our_mark({"meta": {"tag": [{"system": MARK, "code": "Flag/f@2-x"}]}}) == ("Flag", "f")
    assert our_mark({"identifier": "x", "meta": []}) is None
    assert our_mark({"identifier": [1, None], "meta": {"tag": {}}}) is None
