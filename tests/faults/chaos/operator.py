"""The operator during the drill: confirms, approves, corrects, and leaves the rest."""

from __future__ import annotations

import re

from fhirserver.kernel.json import dumps
from tests.faults.chaos.acting import Scene
from tests.faults.chaos.site import Json
from tests.faults.chaos.world import OPERATOR, Refused

_REVIEW = "https://credence.health/fhir/CodeSystem/task-code|review"
_NOT_DONE = (404, 409, 412, 422)


class Operator:
    """Approves some of what the agent stated, corrects some, and leaves the rest."""

    def __init__(self, scene: Scene):
        self._scene = scene
        self._left: set[str] = set()

    async def step(self) -> None:
        items = await self._scene.world.search(f"Task?code={_REVIEW}&status=requested&_count=200")
        await self.confirm(items)
        for item in items:
            numbers = stated(item) & (self._scene.memory.phones.keys() | self._scene.memory.members.keys())
            if item["id"] in self._left or not numbers:
                continue
            self._left.add(item["id"])
            if (chance := self._scene.draw.random()) < 0.5:
                await self._decide(item, numbers)
                return
            if chance < 0.75 and item["focus"]["reference"].startswith("Coverage/"):
                await self._correct(item, *numbers)
                return

    async def confirm(self, items: list[Json]) -> int:
        """Confirm the bookings among the items, each by itself: one that has changed meanwhile comes again."""
        wanted = []
        for item in items:
            booking = self._scene.memory.bookings.get(str(item["focus"]["reference"]).partition("/")[2])
            if booking is not None and not booking.whispered and "refused-by-sink" not in str(item["meta"]):
                wanted.append({"name": "item", "valueString": item["id"]})
        if wanted:
            body = {"resourceType": "Parameters", "parameter": wanted}
            await self._scene.world.ask(OPERATOR, "POST", "Task/$approve", body)
        return len(wanted)

    async def _correct(self, item: Json, stated: str) -> None:
        """The caller was misheard: another member number, and the rest as it was said."""
        memory, right = self._scene.memory, f"C9{self._scene.number():05}"
        memory.members[right] = memory.members[stated]
        memory.approved.add(right)
        memory.corrected[stated] = right
        value = {"name": "value", "valueString": dumps({"subscriberId": right}).decode()}
        body = {"resourceType": "Parameters", "parameter": [value]}
        try:
            await self._scene.world.ask(OPERATOR, "POST", f"Task/{item['id']}/$correct", body)
        except Refused as refused:
            cover = await self._scene.world.read(item["focus"]["reference"])
            if refused.status not in _NOT_DONE or cover.get("subscriberId") != right:
                raise
        task = await self._scene.world.read(f"Task/{item['id']}")
        if task["status"] == "requested":
            await self._approve(task, units_of(task))

    async def _decide(self, item: Json, numbers: set[str]) -> None:
        memory = self._scene.memory
        units = [
            unit
            for unit in units_of(item)
            if not unit.startswith("telecom") or any(n in unit for n in numbers)
        ]
        if not units:
            return
        memory.approved |= numbers
        if not await self._approve(item, units):
            memory.approved -= numbers

    async def _approve(self, item: Json, units: list[str]) -> bool:
        """Whether it was done."""
        body: Json = {"resourceType": "Parameters"}
        body["parameter"] = [{"name": "unit", "valueString": unit} for unit in units]
        try:
            await self._scene.world.ask(OPERATOR, "POST", f"Task/{item['id']}/$approve", body)
        except Refused as refused:
            if refused.status == 409:  # it was done, and its answer was lost: that is settled by reading
                task = await self._scene.world.read(f"Task/{item['id']}")
                if task["status"] == "completed":
                    return True
            if refused.status not in _NOT_DONE:
                raise
            return False
        return True


def stated(item: Json) -> set[str]:
    """Telephone and member numbers in the open claims of a review item."""
    text = dumps(item.get("contained", [])).decode()
    return set(re.findall(r"C\d{6}", text)) | {one[2:] for one in re.findall(r"\+1202555\d{4}", text)}


def units_of(item: Json) -> list[str]:
    """The units of the claims that are not decided."""
    parameters: Json = next((one for one in item.get("contained", ()) if one.get("id") == "claims"), {})
    found = []
    for claim in parameters.get("parameter", ()):
        parts = {part["name"]: part for part in claim.get("part", ())}
        if "unit" in parts and "decision" not in parts:
            found.append(str(parts["unit"].get("valueString")))
    return found
