"""A slice of the fuzzing that a few seconds allow, and that the fuzzer would see what it looks for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fhirserver.kernel.json import dumps
from tests.fuzz.case import Case
from tests.fuzz.judge import problems
from tests.fuzz.run import Target, fuzz, load, make_case, write_failures
from tests.fuzz.wire import Answer, NoAnswer
from tests.server_process import ServerProcess


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("fuzz"))) as server:
        yield server


@pytest.fixture
def target(running: ServerProcess) -> Target:
    return Target(running.base, running.tokens, seconds=30)


async def test_a_slice(target: Target, running: ServerProcess, tmp_path: Path) -> None:
    assert await load(target) > 4
    report = await fuzz(target, range(1500), seed=1)
    assert not write_failures(report, target, tmp_path)
    assert {200, 201, 400, 404, 422} <= set(report.statuses), "it says little when all is refused"
    assert "Traceback" not in running.log_tail(10**6)


@pytest.mark.parametrize(
    ("method", "target_"), [("FOO", "/Patient"), ("get", "/"), ("GET", "/Patient?name=" + "a" * 70_000)]
)
async def test_what_is_not_http_is_answered_with_an_outcome(
    target: Target, method: str, target_: str
) -> None:
    case, wire = Case("raw", method, target_), target.wire()
    try:
        answer = await target.send(wire, case)
    finally:
        wire.close()
    assert 400 <= answer.status < 500
    assert list(problems(case, answer)) == []


async def test_no_answer_is_a_failure() -> None:
    closed = Target("http://127.0.0.1:9/fhir", dict.fromkeys(("admin", "ehr", "voice-agent"), "x"), seconds=2)
    with pytest.raises(NoAnswer):
        await closed.send(closed.wire(), Case("raw", "GET", "/"))
    assert len((await fuzz(closed, [1], seed=1)).failures) == 1


def outcome(**issue: object) -> dict[str, object]:
    whole = {"severity": "error", "code": "invalid", "diagnostics": "There is no such thing", **issue}
    kept = {name: value for name, value in whole.items() if value is not None}
    return {"resourceType": "OperationOutcome", "issue": [kept]}


@pytest.mark.parametrize(
    ("status", "body", "named"),
    [
        (500, outcome(), "answered 500"),
        (501, outcome(), "answered 501"),
        (400, {"detail": "no"}, "something else"),
        (400, [], "something else"),
        (400, {"resourceType": "OperationOutcome"}, "not valid"),
        (400, outcome(code="nope"), "not valid"),
        (400, outcome(expression=["a\x00"]), "not valid"),
        (400, outcome(diagnostics=None), "without a text"),
        (400, outcome(severity="information"), "no issue is an error"),
        (422, outcome(diagnostics="'NoneType' object is not subscriptable"), "from the inside"),
        (
            200,
            {
                "resourceType": "Bundle",
                "type": "batch-response",
                "entry": [{"response": {"status": "500 Failed"}}],
            },
            "entry 0 answered 500",
        ),
        (
            200,
            {"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": {"status": "404"}}]},
            "entry 0: 404",
        ),
    ],
)
def test_the_judge_sees(status: int, body: object, named: str) -> None:
    answer = Answer(status, {"content-type": "application/fhir+json"}, dumps(body), 0.1)
    found = list(problems(Case("bundle", "POST", "/"), answer))
    assert any(named in problem for problem in found), found


@pytest.mark.parametrize("content", [b"", b"Internal Server Error", b"{", b'{"a":NaN}'])
def test_the_judge_sees_what_is_no_json(content: bytes) -> None:
    for media in ("text/plain", "application/fhir+json"):
        answer = Answer(400, {"content-type": media}, content, 0.1)
        assert list(problems(Case("x", "GET", "/"), answer))


def test_the_judge_lets_right_answers_pass() -> None:
    media = {"content-type": "application/fhir+json; charset=utf-8"}
    for answer in (
        Answer(404, media, dumps(outcome()), 0.1),
        Answer(200, media, dumps({"resourceType": "Patient"}), 0.1),
        Answer(204, {}, b"", 0.1),
    ):
        assert list(problems(Case("x", "GET", "/"), answer)) == []


def test_a_case_is_a_function_of_its_seed_and_number() -> None:
    for number in range(200):
        assert make_case(7, number) == make_case(7, number)
    assert make_case(7, 1) != make_case(8, 1)


def test_a_failure_can_be_sent_again(tmp_path: Path) -> None:
    small = Case("x", "PUT", "/Patient/p?a='b'", {"if-match": 'W/"1"'}, b'{"a":"it\'s"}', number=3)
    line = small.curl("http://h/fhir", tmp_path)
    assert '"Authorization: Bearer $TOKEN_ADMIN"' in line
    assert "-X PUT" in line
    large = Case("x", "POST", "/Patient", {}, b"\xff" * 10, number=4).curl("http://h/fhir", tmp_path)
    assert "case-4.body" in large
    assert (tmp_path / "case-4.body").read_bytes() == b"\xff" * 10


def test_most_bodies_are_json_though_mutated() -> None:
    """Text that does not parse tests the parser; what parses tests the rest."""
    good = 0
    bodies = [case.body for number in range(0, 600, 2) if (case := make_case(3, number)).body[:1] == b"{"]
    for body in bodies:
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            continue
        good += 1
    assert good > len(bodies) * 0.7
