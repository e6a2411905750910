"""How far a campaign has come, counted by the server: nothing is kept beside the resources."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlencode, urlsplit

from agent.campaigns.ledger import Ledger
from agent.campaigns.members import CAMPAIGN, WAITING, readable
from agent.communication import CHANNEL, OUTCOME
from agent.tools.client import Unreachable, next_page
from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.campaigns import MemberPage, MemberView, Progress, Standing

OUTCOMES = (
    "done", "reached", "transferred", "declined", "opted-out", "unreached", "expired", "not-needed", "no-consent",
    "no-number", "deceased", "inactive", "no-record", "left-out", "stopped", "cancelled",
)  # fmt: skip
"""What becomes of members."""
_RUNS = 20
_ENDED = (("completed", "completed"), ("not-done", "not-done"), ("in-progress", "preparation,in-progress"))


async def tally(ledger: Ledger, id: str, standing: Standing) -> Progress:
    """Raises :class:`Unreachable`."""
    of = [("category", f"{CAMPAIGN}|{id}")]
    counted = [ledger.count("CommunicationRequest", of)]
    counted.append(ledger.count("CommunicationRequest", [*of, ("status", "active")]))
    counted += [
        ledger.count("CommunicationRequest", [*of, ("category", f"{OUTCOME}|{code}")]) for code in OUTCOMES
    ]
    total, waiting, *outcomes = await asyncio.gather(*counted)
    states = {WAITING: waiting, **dict(zip(OUTCOMES, outcomes, strict=True))}
    found = await ledger.page(
        "Task",
        [
            ("group-identifier", f"{CAMPAIGN}|{id}"),
            ("code", "campaign-run"),
            ("_sort", "-authored-on"),
            ("_count", str(_RUNS)),
        ],
    )
    runs = [_run(task) for task in found]
    channels = await _channels(ledger, [f"Task/{task['id']}" for task in found])
    soonest = await ledger.page(
        "CommunicationRequest", [*of, ("status", "active"), ("_sort", "occurrence"), ("_count", "1")]
    )
    following = parse_instant(soonest[0]["occurrenceDateTime"]) if soonest else None
    return Progress(standing, total, {k: v for k, v in states.items() if v}, channels, following, runs)


def _run(task: JsonObject) -> JsonObject:
    why = str(task.get("statusReason", {}).get("text", ""))
    return {"reference": f"Task/{task['id']}", "status": task["status"], "due": _start(task), "why": why}


def _start(task: dict[str, object]) -> object:
    period = task.get("executionPeriod")
    return period.get("start", "") if isinstance(period, dict) else ""


async def _channels(ledger: Ledger, runs: list[str]) -> dict[str, dict[str, int]]:
    if not runs:
        return {}
    told: dict[str, dict[str, int]] = {}
    for channel in ("call", "sms", "chat", "form"):
        base = [("based-on", ",".join(runs)), ("category", f"{CHANNEL}|{channel}")]
        counts = await asyncio.gather(
            *(ledger.count("Communication", [*base, ("status", status)]) for _, status in _ENDED)
        )
        if any(counts):
            told[channel] = {name: n for (name, _), n in zip(_ENDED, counts, strict=True)}
    return told


async def member_page(
    ledger: Ledger, id: str, state: str, patient: str, limit: int, cursor: str
) -> MemberPage:
    """``state`` is ``waiting`` or an outcome; empty for all. ``cursor`` is what the page before gave. Raises
    :class:`Unreachable`."""
    params = [("category", f"{CAMPAIGN}|{id}"), ("_sort", "occurrence"), ("_count", str(limit))]
    if state == WAITING:
        params.append(("status", "active"))
    elif state:
        params.append(("category", f"{OUTCOME}|{state}"))
    if patient:
        params.append(("patient", patient))
    if cursor:
        params.append(("_cursor", cursor))
    answer = await ledger.client.get(f"CommunicationRequest?{urlencode(params)}")
    if answer.status in (400, 404, 410) and cursor:
        raise refuse(Category.INVALID, "value", "The cursor is none that was given out here", "cursor")
    if not answer.ok:
        raise Unreachable(f"HTTP {answer.status}")
    read = (readable(e["resource"]) for e in answer.body.get("entry", ()) if _is_member(e))
    found = [one for one in read if one is not None]
    items = [
        MemberView(
            one.reference, one.patient, one.status, one.outcome or WAITING, one.why,
            instant(one.next) if one.status == "active" else "", one.run, one.about,
        )
        for one in found
    ]  # fmt: skip
    return MemberPage(items, _cursor(next_page("", answer.body)))


def _is_member(entry: dict[str, dict[str, object]]) -> bool:
    return entry.get("resource", {}).get("resourceType") == "CommunicationRequest"


def _cursor(url: str) -> str:
    """Where the next page begins: what the server gave for it, and nothing else of its search."""
    return parse_qs(urlsplit(url).query).get("_cursor", [""])[0]
