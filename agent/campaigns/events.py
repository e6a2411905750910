"""Changes in the world that begin an outreach: a type's history read on from a cursor that is kept with its effects.

The cursor and the members that a page of history makes are written in one transaction, on the condition that the
cursor is where it was: whatever dies, and however many engines there are, each event is acted upon once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from agent.campaigns.audience import member_entry
from agent.campaigns.definition import ByEvent, Campaign
from agent.campaigns.ledger import Ledger, by_campaign
from agent.campaigns.members import new_member
from agent.campaigns.runs import RUN, Run, bare, noting, run_of
from agent.campaigns.search_text import patients_of
from agent.tools.client import Unreachable, next_page, version_of
from fhirserver.kernel.instants import Clock, comparable, instant, parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.model.fhirpath import FhirPathError, compile_path

_CURSOR = "cursor"
_PAGE = 100
_SETTLED = timedelta(minutes=1)
"""After so long nothing more of a moment comes into the log."""


class Events:
    """Follows the log for the event triggers of one engine."""

    def __init__(self, ledger: Ledger, clock: Clock):
        self._ledger, self._clock = ledger, clock

    async def follow(self, key: str, control: Run, campaign: Campaign, trigger: ByEvent) -> None:
        """Act on what has happened since the last look. Raises :class:`Unreachable`."""
        found = await self._ledger.page("Task", [("identifier", f"{RUN}|{key}")])
        if not found:
            return
        run = run_of(found[0])
        if run.status != "in-progress":
            return
        since = run.noted.get(_CURSOR) or instant(control.due or self._clock.now())
        changes = await self._changes(trigger.type, since)
        if not changes:
            return
        members = [entry for one in changes for entry in await self._members(one, run, campaign, trigger)]
        cursor = max(str(one["meta"]["lastUpdated"]) for one in changes)
        if cursor == since and parse_instant(since) < self._clock.now() - _SETTLED:
            cursor = _after(since)
        if cursor != since or members:
            await self._keep(run, cursor, members)

    async def _changes(self, type: str, since: str) -> Sequence[JsonObject]:
        """At least all changes of the moment ``since``, however many one transaction has made."""
        query = urlencode({"_since": since, "_sort": "_lastUpdated", "_count": str(_PAGE)})
        path, changes = f"{type}/_history?{query}", list[JsonObject]()
        while path:
            answer = await self._ledger.client.get(path)
            if not answer.ok:
                raise Unreachable(f"HTTP {answer.status} for a history")
            found = (entry.get("resource", {}) for entry in answer.body.get("entry", ()))
            changes += [one for one in found if one.get("resourceType") == type]
            if changes and str(changes[-1]["meta"]["lastUpdated"]) != since:
                return changes
            path = next_page(path, answer.body)
        return changes

    async def _members(
        self, resource: JsonObject, run: Run, campaign: Campaign, trigger: ByEvent
    ) -> list[JsonObject]:
        if not holds(trigger, resource) or await self._held_before(trigger, resource):
            return []
        now, due = self._clock.now(), due_at(trigger, resource)
        about = f"{resource['resourceType']}/{resource['id']}"
        made = []
        for patient in dict.fromkeys(patients_of(resource)):
            matter = () if about == patient else (about,)
            one = new_member(
                run.campaign, run.reference, campaign.purpose, patient, matter, max(due, now), now
            )
            made.append(member_entry(one))
        return made

    async def _held_before(self, trigger: ByEvent, resource: JsonObject) -> bool:
        """Whether the version before satisfied the filter too: then nothing came to be so."""
        version = version_of(resource)
        if not version.isdigit() or int(version) < 2:
            return False
        path = f"{resource['resourceType']}/{resource['id']}/_history/{int(version) - 1}"
        before = await self._ledger.client.read(path)
        return before is not None and holds(trigger, before)

    async def _keep(self, run: Run, cursor: str, members: Sequence[JsonObject]) -> None:
        task = noting(run, bare(run), **{_CURSOR: cursor})
        moved = {
            "resource": task,
            "request": {"method": "PUT", "url": run.reference, "ifMatch": f'W/"{run.version}"'},
        }
        lots = [list(members[n : n + _PAGE]) for n in range(0, len(members), _PAGE)] or [[]]
        for entries in (
            *lots[:-1],
            [moved, *lots[-1]],
        ):  # those before make nobody twice where they come again
            if not await self._transact(entries, by_campaign(run.campaign)):
                return

    async def _transact(self, entries: Sequence[JsonObject], by: str) -> bool:
        """False where somebody else was faster."""
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
        answer = await self._ledger.client.send("POST", "", bundle, self._ledger.headers(by))
        if not answer.ok and not answer.taken:
            raise Unreachable(f"HTTP {answer.status} for events of a campaign")
        return answer.ok


def holds(trigger: ByEvent, resource: JsonObject) -> bool:
    """Whether a resource satisfies the filter; one that the expression fails on does not."""
    try:
        found = compile_path(trigger.filter, context=trigger.type)(resource)
    except FhirPathError:
        return False
    return len(found) == 1 and found[0].value is True


def due_at(trigger: ByEvent, resource: JsonObject) -> datetime:
    """When the outreach is due."""
    start = parse_instant(str(resource.get("meta", {}).get("lastUpdated", "1970-01-01T00:00:00Z")))
    if trigger.at is not None:
        try:
            found = compile_path(trigger.at, context=trigger.type)(resource)
            start = parse_instant(comparable(str(found[0].value))) if found else start
        except (FhirPathError, ValueError):
            pass
    return start + trigger.offset


def _after(since: str) -> str:
    """All of that moment is acted upon, and nothing of it comes any more: the next begins a moment later."""
    return instant(parse_instant(since) + timedelta(milliseconds=1))
