import json
from datetime import UTC, datetime

import pytest

from adapters.fhir.refusals import read_issues, refusal, retry_after
from fhirserver.ports import ehr
from fhirserver.ports.ehr import (
    Conflict,
    EhrError,
    Gone,
    NeedsPerson,
    Permanent,
    Retryable,
    Throttled,
    Unanswered,
    Unauthorized,
    Unusable,
)

NOW = datetime(2026, 11, 22, 14, 47, tzinfo=UTC)


def outcome(*codes, **more):
    issues = [{"severity": "error", "code": code, **more} for code in codes]
    return json.dumps({"resourceType": "OperationOutcome", "issue": issues}).encode()


@pytest.mark.parametrize(
    ("status", "codes", "on_record", "error"),
    [
        (301, (), False, Unusable),
        (400, ("invalid",), False, Permanent),
        (400, ("transient",), False, Retryable),
        (400, ("business-rule",), False, NeedsPerson),
        (401, ("login",), False, Unauthorized),
        (403, ("forbidden",), False, Unauthorized),
        (403, ("throttled",), False, Throttled),
        (404, ("not-found",), True, Gone),
        (404, ("not-supported",), False, Permanent),
        (405, (), True, Permanent),
        (408, (), False, Retryable),
        (409, ("conflict",), True, Conflict),
        (409, ("business-rule",), False, Conflict),
        (409, ("lock-error",), True, Retryable),
        (409, ("multiple-matches",), False, NeedsPerson),
        (410, ("deleted",), True, Gone),
        (412, ("conflict",), True, Conflict),
        (412, ("multiple-matches",), False, NeedsPerson),
        (413, ("too-long",), False, Permanent),
        (415, (), False, Unusable),
        (422, ("invalid", "required"), True, Permanent),
        (422, ("duplicate",), False, NeedsPerson),
        (423, (), True, Retryable),
        (429, ("throttled",), False, Throttled),
        (500, ("exception",), False, Retryable),
        (501, (), False, Permanent),
        (502, (), False, Retryable),
        (503, (), False, Retryable),
        (504, (), False, Retryable),
        (505, (), False, Permanent),
        (599, (), False, Retryable),
    ],
)
def test_status_and_codes_make_the_error(status, codes, on_record, error):
    made = refusal(status, {}, outcome(*codes) if codes else b"", NOW, on_record)
    assert type(made) is error
    assert made.status == status
    assert [issue.code for issue in made.issues] == list(codes)


def test_every_status_is_an_error_of_the_tree():
    for status in range(300, 600):
        assert isinstance(refusal(status, {}, b"<html>", NOW), EhrError)


def test_the_tree_is_what_the_port_draws():
    drawn = {each for each in vars(ehr).values() if isinstance(each, type) and issubclass(each, EhrError)}
    assert drawn - {EhrError} == {
        *(Retryable, Unanswered, Throttled, Conflict, Gone, Unauthorized, Unusable, Permanent, NeedsPerson)
    }
    assert issubclass(Unanswered, Retryable) and issubclass(Throttled, Retryable)


def test_what_the_ehr_wrote_is_kept_and_never_in_the_message():
    body = outcome("invalid", diagnostics="Maria Alvarez has no such plan", expression=["Coverage.payor"])
    made = refusal(422, {}, body, NOW)
    assert made.issues[0].text == "Maria Alvarez has no such plan"
    assert made.issues[0].expression == ("Coverage.payor",)
    assert "Maria" not in f"{made} {made!r} {made.issues!r}"
    assert str(made) == "the EHR refuses the request (status 422): invalid"


def test_a_code_that_is_no_code_does_not_reach_the_message():
    made = refusal(422, {}, outcome("Maria Alvarez 1999-06-01"), NOW)
    assert made.issues[0].code == "unknown" and "Maria" not in str(made)


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"<html>",
            b"[]",
            b"{}",
            b'{"resourceType":"Patient"}',
            b'{"resourceType":"OperationOutcome"}',
        ),
        *(
            b'{"resourceType":"OperationOutcome","issue":{}}',
            b'{"resourceType":"OperationOutcome","issue":[7]}',
        ),
    ],
)
def test_other_bodies_have_no_issues(body):
    assert read_issues(body) == ()


@pytest.mark.parametrize("status", [429, 503, 500])
def test_the_wait_that_the_ehr_asks_for_is_in_the_error(status):
    made = refusal(status, {"retry-after": "17"}, b"", NOW)
    assert isinstance(made, Retryable) and made.after == 17.0
    assert refusal(status, {}, b"", NOW).after is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("Sun, 22 Nov 2026 14:48:30 GMT", 90.0),
        ("Sunday, 22-Nov-26 14:47:10 GMT", 10.0),
        ("Sun, 22 Nov 2026 14:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2026 09:48:00 -0500", 60.0),
        ("soon", None),
        ("-5", None),
        ("1e3", None),
        ("١", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    assert retry_after(text, NOW) == seconds
