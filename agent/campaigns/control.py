"""The desk from which campaigns are commanded. Implements :class:`fhirserver.ports.campaigns.Campaigns` over FHIR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import NoReturn

from agent.campaigns.definition import Campaign, InvalidCampaign, campaign
from agent.campaigns.ledger import Ledger
from agent.campaigns.members import CAMPAIGN, Member, over, readable
from agent.campaigns.plan import plan_definition
from agent.campaigns.rehearsal import off_of, rehearse
from agent.campaigns.runs import RUN, Run, new_run, run_of, with_status
from agent.campaigns.shipped import shipped
from agent.campaigns.tally import member_page, tally
from agent.live.escalation_record import About, audit
from agent.tools.client import FhirClient, Unreachable, version_of
from agent.tools.provenance import CANONICAL, Speaker
from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.campaigns import ACTIONS, MemberPage, Problem, Progress, Rehearsal, Standing, Template
from fhirserver.ports.forms import FORMS_OFF
from fhirserver.world.configuration import Configured, NoConfiguration, configured

_TRIES = 5
_GOING = "in-progress,on-hold"
_FROM = {"pause": "in-progress", "resume": "on-hold"}
_BEHIND = {
    "pause": "requested,in-progress",
    "resume": "on-hold",
    "cancel": "requested,in-progress,on-hold,cancelled",
}
"""Of which status runs are that a command is still to reach, or, cancelled, that have people who wait."""
_TO = {"pause": "on-hold", "resume": "in-progress", "cancel": "cancelled"}


class Desk:
    """``zone`` is the practice's; ``call_hours`` are those in which it calls (begin, end); ``off`` are channels that
    cannot be used here, and why."""

    def __init__(
        self,
        client: FhirClient,
        clock: Clock | None = None,
        zone: str = "America/New_York",
        call_hours: tuple[time, time] | None = None,
        speaker: Speaker | None = None,
        off: Mapping[str, str] | None = None,
    ):
        self._client, self._clock, self._zone = client, clock or SystemClock(), zone
        self._off = off or {}
        self._call_hours = (zone, *call_hours) if call_hours else None
        self._ledger = Ledger(client, self._clock, speaker)

    def templates(self) -> Sequence[Template]:
        return shipped()

    def check(self, document: JsonObject) -> Sequence[Problem]:
        try:
            campaign(document)
        except InvalidCampaign as error:
            return error.problems
        return ()

    def plan(self, id: str, title: str, document: JsonObject, status: str) -> JsonObject:
        return plan_definition(id, title, self._read(document), status)

    async def rehearse(self, document: JsonObject, most: int, at: datetime | None = None) -> Rehearsal:
        read = self._read(document)
        try:
            return await rehearse(
                self._client, read, at or self._clock.now(), most, self._zone, self._call_hours, self._off
            )
        except Unreachable:
            _busy()

    async def start(self, id: str, by: str, key: str = "") -> str:
        try:
            return await self._start(id, by, key)
        except Unreachable:
            _busy()

    async def _start(self, id: str, by: str, key: str) -> str:
        found, version = await self._defined(id)
        if found.status == "retired":
            raise refuse(Category.CONFLICT, "business-rule", "The campaign is retired")
        read = self._read(found.document)
        self._check_channels(read)
        now = self._clock.now()
        name = key or f"{now:%Y%m%dT%H%M%S%f}"
        before = await self._client.search("Task", [("identifier", f"{RUN}|{id}.{name}")])
        if before:
            return f"Task/{before[0]['id']}"
        await self._note("campaign_start", by)
        made = new_run(
            id, name, f"Library/{id}/_history/{version}", read.goal, -1, {"display": by}, now, now
        ) | {"status": "in-progress"}
        made["code"] = {
            "coding": [{"system": f"{CANONICAL}/CodeSystem/task-code", "code": "campaign"}],
            "text": "A campaign under way",
        }
        unless = f"{_of(id)}&code=campaign&status={_GOING}"
        reference, fresh = await self._ledger.make(made, unless, by)
        if not fresh:
            raise refuse(Category.CONFLICT, "duplicate", "The campaign is under way already")
        return reference

    def _check_channels(self, campaign: Campaign) -> None:
        """Refuses (409) a campaign that could reach nobody."""
        off = off_of(campaign, self._off)
        if all(step.channel in off for step in campaign.channels):
            words = "; ".join(f"{channel}: {why}" for channel, why in off.items())
            problem = FORMS_OFF if "form" in off else ""
            text = f"No channel of the campaign can be used here ({words})"
            raise refuse(Category.CONFLICT, "not-supported", text, problem=problem)

    async def change(self, id: str, action: str, by: str) -> Standing:
        if action not in ACTIONS:
            raise refuse(Category.INVALID, "value", f"'action' is one of {', '.join(ACTIONS)}", "action")
        try:
            await self._note(f"campaign_{action}", by)
            await self._change(id, action, by)
            return await self.standing(id)
        except Unreachable:
            _busy()

    async def _change(self, id: str, action: str, by: str) -> None:
        """The Task of the campaign first: from then on nothing new begins. Then its runs, then who waits. The same
        command again does what was left of one that was cut off."""
        control = await self._control(id)
        if control is None or not (control.going or control.status == _TO[action]):
            raise refuse(Category.CONFLICT, "business-rule", "The campaign is not under way")
        again = control.status == _TO[action]
        if action in _FROM and not again and control.status != _FROM[action]:
            raise refuse(Category.CONFLICT, "business-rule", f"The campaign is {control.status}")
        done = await self._set(control.reference, _TO[action], by)
        for run in await self._runs(id, _BEHIND[action]):
            if run.resource.get("partOf", [{}])[0].get("reference") == control.reference:
                done = await self._set(run.reference, _TO[action], by) or done
                if action == "cancel":
                    of, why = [("based-on", run.reference)], "the campaign was cancelled"
                    done = bool(await self._revoke(of, "cancelled", why, by)) or done
        if again and not done:
            raise refuse(Category.CONFLICT, "business-rule", f"The campaign is {control.status}")

    async def stop(self, id: str, patient: str, by: str) -> int:
        try:
            await self._note("campaign_stop_patient", by, patient)
            params = [("category", f"{CAMPAIGN}|{id}"), ("patient", patient)]
            return await self._revoke(params, "stopped", f"stopped by {by}", by)
        except Unreachable:
            _busy()

    async def standing(self, id: str) -> Standing:
        try:
            return _standing(await self._control(id))
        except Unreachable:
            _busy()

    async def progress(self, id: str) -> Progress:
        try:
            control = await self._control(id)
            return await tally(self._ledger, id, _standing(control))
        except Unreachable:
            _busy()

    async def members(
        self, id: str, state: str = "", patient: str = "", limit: int = 50, cursor: str = ""
    ) -> MemberPage:
        try:
            return await member_page(self._ledger, id, state, patient, limit, cursor)
        except Unreachable:
            _busy()

    def _read(self, document: JsonObject) -> Campaign:
        try:
            return campaign(document)
        except InvalidCampaign as error:
            first = error.problems[0]
            raise refuse(Category.UNPROCESSABLE, "invalid", first.detail, first.pointer) from None

    async def _defined(self, id: str) -> tuple[Configured, str]:
        resource = await self._client.read(f"Library/{id}")
        try:
            found = configured(resource or {})
        except NoConfiguration:
            found = None
        if resource is None or found is None or found.kind != "campaign":
            raise refuse(Category.NOT_FOUND, "not-found", "There is no such campaign")
        return found, version_of(resource)

    async def _control(self, id: str) -> Run | None:
        """The Task of the campaign: the one that goes on, else the latest."""
        found = await self._client.search("Task", [*_params(id, "campaign"), ("_sort", "-authored-on")])
        runs = [run_of(task) for task in found]
        return next((run for run in runs if run.going), runs[0] if runs else None)

    async def _runs(self, id: str, status: str) -> list[Run]:
        found = await self._client.search("Task", [*_params(id, "campaign-run"), ("status", status)])
        return [run_of(task) for task in found]

    async def _set(self, reference: str, status: str, by: str) -> bool:
        """Whether anything was to be done."""
        for _ in range(_TRIES):
            resource = await self._client.read(reference)
            if resource is None:
                return False
            run = run_of(resource)
            kept = (
                "requested"
                if status == "in-progress" and "focus" not in resource and _waits(resource)
                else status
            )
            if not run.going or run.status == kept:
                return False
            if await self._ledger.put(with_status(run, kept, self._clock.now()), run.version, by):
                return True
        raise Unreachable("a Task was changed by others again and again")

    async def _revoke(self, params: list[tuple[str, str]], outcome: str, why: str, by: str) -> int:
        count = 0
        while True:
            found = await self._ledger.page(
                "CommunicationRequest", [*params, ("status", "active"), ("_count", "200")]
            )
            waiting = [one for resource in found if (one := readable(resource)) is not None]
            if not waiting:
                return count
            for one in waiting:
                count += await self._end(one, outcome, why, by)

    async def _end(self, one: Member, outcome: str, why: str, by: str) -> bool:
        return await self._ledger.put(over(one, "revoked", outcome, why), one.version, by)

    async def _note(self, action: str, by: str, patient: str = "") -> None:
        """Who commands what is noted first: what cannot be noted is not done."""
        about = About("", patient, self._ledger.speaker.reference())
        answer = await self._client.send(
            "POST", "AuditEvent", audit(action, by, about, self._clock.now()), self._ledger.headers(by)
        )
        if not answer.ok:
            raise Unreachable("the command cannot be noted")


def _waits(resource: JsonObject) -> bool:
    """Whether a run that was put on hold had not begun."""
    codes = [c.get("code") for c in resource.get("code", {}).get("coding", ())]
    return "campaign-run" in codes and not resource.get("output")


def _of(id: str) -> str:
    return f"group-identifier={CAMPAIGN}%7C{id}"


def _params(id: str, code: str) -> list[tuple[str, str]]:
    return [("group-identifier", f"{CAMPAIGN}|{id}"), ("code", code)]


def _standing(control: Run | None) -> Standing:
    if control is None:
        return Standing("none")
    by = str(control.resource.get("requester", {}).get("display", ""))
    started = instant(control.due) if control.due else ""
    return Standing(control.status, control.reference, control.definition, started, by)


def _busy() -> NoReturn:
    raise refuse(Category.BUSY, "transient", "The FHIR server does not answer; try again") from None
