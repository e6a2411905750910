"""What campaigns write: Tasks, Groups, CommunicationRequests and what became of attempts, each with its Provenance."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from agent.campaigns.channels import Settled
from agent.campaigns.contacts import Contact
from agent.campaigns.members import Member
from agent.communication import CARRIED, OUTCOME
from agent.live.escalation_record import by_operator
from agent.requests import CONFIRMED, Basis
from agent.tools.client import Answer, FhirClient, Unreachable, version_of
from agent.tools.provenance import Speaker, header, provenance
from fhirserver.kernel.instants import Clock, instant
from fhirserver.kernel.json import JsonObject


class Ledger:
    """Writes for one engine, or one desk."""

    def __init__(self, client: FhirClient, clock: Clock, speaker: Speaker | None = None):
        self.client, self.clock, self.speaker = client, clock, speaker or Speaker()

    def headers(self, by: str) -> dict[str, str]:
        """``by``: the operator or the campaign whose act it is."""
        said = provenance(self.speaker, Basis(CONFIRMED, "observed", ()), "", "", self.clock.now())
        return header(by_operator(said, by))

    async def make(
        self, resource: JsonObject, unless: str, by: str, headers: Mapping[str, str] | None = None
    ) -> tuple[str, bool]:
        """Create it unless something matches the search; the reference, and whether it is new. ``headers`` are in the
        place of those that say that ``by`` did it. Raises :class:`Unreachable`."""
        type = resource["resourceType"]
        sent = {**(headers or self.headers(by)), **({"If-None-Exist": unless} if unless else {})}
        answer = await self._send("POST", type, resource, sent)
        if answer.status == 200 and not answer.body.get("id"):
            found = await self.client.search(type, [tuple(unless.split("=", 1))])  # type: ignore[list-item]
            return f"{type}/{found[0]['id']}", False
        location = answer.headers.get("location", "").split(f"{type}/")[-1].split("/")[0]
        return f"{type}/{answer.body.get('id') or location}", answer.status == 201

    async def put(self, resource: JsonObject, version: str, by: str) -> bool:
        """Update it as it was read; False where it was changed meanwhile. Raises :class:`Unreachable`."""
        path = f"{resource['resourceType']}/{resource['id']}"
        headers = {**self.headers(by), **({"If-Match": f'W/"{version}"'} if version else {})}
        answer = await self.client.send("PUT", path, resource, headers)
        if answer.taken:
            return False
        if not answer.ok:
            raise Unreachable(f"HTTP {answer.status} for {resource['resourceType']}")
        return True

    async def settle(self, contact: Contact, settled: Settled, by: str) -> bool:
        """Write down what became of an attempt that was left open; False where somebody else did."""
        now = await self.client.read(contact.reference)
        if now is None or now.get("status") not in ("preparation", "in-progress"):
            return False
        made = {name: value for name, value in now.items() if name not in ("meta", "text")}
        reason = {"coding": [{"system": OUTCOME, "code": settled.outcome}], "text": settled.why}
        made |= {"status": "completed" if settled.done else "not-done", "statusReason": reason}
        if settled.sid:
            made["identifier"] = [*made.get("identifier", ()), {"system": CARRIED, "value": settled.sid}]
        if settled.done:
            made["received"] = instant(self.clock.now())
        return await self.put(made, version_of(now), by)

    async def _send(self, method: str, path: str, resource: JsonObject, headers: Mapping[str, str]) -> Answer:
        answer = await self.client.send(method, path, resource, headers)
        if not answer.ok:
            raise Unreachable(f"HTTP {answer.status} for {resource['resourceType']}")
        return answer

    async def page(self, type: str, params: list[tuple[str, str]]) -> list[JsonObject]:
        """The first page of a search. Raises :class:`Unreachable`."""
        answer = await self.client.get(f"{type}?{urlencode(params)}")
        if not answer.ok:
            raise Unreachable(f"HTTP {answer.status}")
        found = (entry.get("resource", {}) for entry in answer.body.get("entry", ()))
        return [resource for resource in found if resource.get("resourceType") == type]

    async def count(self, type: str, params: list[tuple[str, str]]) -> int:
        """How many match. Raises :class:`Unreachable`."""
        answer = await self.client.get(f"{type}?{urlencode([*params, ('_summary', 'count')])}")
        if not answer.ok:
            raise Unreachable(f"HTTP {answer.status}")
        return int(answer.body.get("total", 0))


def identified(system: str, value: str) -> str:
    """The query that finds what has an identifier."""
    return f"identifier={quote(f'{system}|{value}', safe='')}"


def by_campaign(id: str) -> str:
    return f"campaign {id}"


def of(one: Member) -> str:
    """``CommunicationRequest/1`` → ``1``."""
    return one.reference.partition("/")[2]
