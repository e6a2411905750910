"""A form as evidence: each question and its answer are two turns, so that a judge reads it like a conversation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.judge import Evidence, Turn


def form_evidence(response: JsonObject, reference: str, zone: str = "America/New_York") -> Evidence:
    """The answers of a QuestionnaireResponse (``reference``) as turns; what was left empty makes none."""
    at = _authored(response)
    turns: list[Turn] = []
    for _, question, answers in _answered(response.get("item", ())):
        turns.append(Turn(len(turns) + 1, "agent", question, at))
        turns.append(Turn(len(turns) + 1, "caller", ", ".join(answers), at))
    return Evidence(tuple(turns), zone, reference)


def answer_turns(response: JsonObject) -> dict[str, int]:
    """By link id, the number of the turn that :func:`form_evidence` makes of an answer."""
    numbers: dict[str, int] = {}
    for link_id, _, _ in _answered(response.get("item", ())):
        numbers.setdefault(link_id, 2 * (len(numbers) + 1))
    return numbers


def _authored(response: JsonObject) -> datetime:
    for said in (response.get("authored"), response.get("meta", {}).get("lastUpdated")):
        try:
            return parse_instant(str(said))
        except ValueError:
            continue
    return datetime.fromtimestamp(0, UTC)


def _answered(items: Json, above: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """Link id, question and answers of whatever was answered, in its order."""
    for item in items if isinstance(items, list) else ():
        question = str(item.get("text") or item.get("linkId", "")).rstrip("?: ") or above
        answers = [text for one in item.get("answer", ()) if (text := _text(one))]
        if answers:
            yield str(item.get("linkId", "")), f"{question}?", answers
        yield from _answered(item.get("item", ()), question)
        for one in item.get("answer", ()):
            yield from _answered(one.get("item", ()), question)


def _text(answer: JsonObject) -> str:
    value = next((v for name, v in answer.items() if name.startswith("value")), None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return str(value.get("display") or value.get("code") or value.get("value") or "")
    return "" if value is None else str(value)
