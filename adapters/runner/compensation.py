"""The follower that makes good what an EHR refused about an appointment: the time was taken there meanwhile, say.

The patient was told that the appointment stands. So the appointment is flagged (an extension that names the writeback
which failed, never sent to an EHR), and a Task asks to call the patient back, with free slots to offer. Both go by
themselves once the EHR has the appointment, or it is called off. They are derived from the writeback Tasks as
they stand, so a step that is repeated says nothing new.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

from adapters.runner.alternatives import alternatives
from adapters.runner.call_back import CALL_BACK, OPEN_CALL, call_back_task, is_counted_on
from adapters.runner.tasks import OPEN, focus_of, is_writeback, moved, owner_of
from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key, Version
from fhirserver.search.expression import And, Query, ReferenceIs, SortKey, TokenIs
from fhirserver.store.commands import Amend, Put, Withdraw, Write
from fhirserver.store.dead_letters import WRITEBACK
from fhirserver.store.store import Store
from fhirserver.world.vocabulary import REFUSED_BY_EHR, TASK_CODE

ARRIVED, CALLED_OFF = "The EHR has the appointment", "The appointment is called off or over"
_MOST = 200
_UNIT = f"extension[{REFUSED_BY_EHR}]"


class Compensation:
    """Follows the log for all sinks; see the module. ``source`` is the server's own voice."""

    name = "compensation"

    def __init__(self, store: Store, source: str, clock: Clock | None = None):
        self._store, self._source, self._clock = store, source, clock or SystemClock()

    async def effects(self, commits: Sequence[Commit]) -> Sequence[Write]:
        """Flags and Tasks for the appointments whose writebacks, or which themselves, have changed."""
        writes: list[Write] = []
        for id in dict.fromkeys([id async for id in _ids(self._store, commits)]):
            writes += await self._appointment(id)
        return writes

    async def _appointment(self, id: str) -> list[Write]:
        version = await self._store.read("Appointment", id)
        tasks = await self._tasks(id, WRITEBACK)
        calls = [found for found in await self._tasks(id, CALL_BACK) if found[1]["status"] in OPEN_CALL]
        now = instant(self._clock.now())
        appointment: JsonObject = loads(version.content) if version and not version.deleted else {}
        if not is_counted_on(appointment, now):
            return [*_closed(calls, "cancelled", CALLED_OFF), *self._unflagged(id, appointment)]
        if any(task["status"] in OPEN for _, task in tasks):
            return []  # it is being tried (again): how that ends decides
        refused = _refused(tasks)
        if refused is None:
            return [*_closed(calls, "completed", ARRIVED), *self._unflagged(id, appointment)]
        return [*self._flagged(appointment, refused.id), *await self._call(appointment, refused, calls, now)]

    async def _call(
        self, appointment: JsonObject, refused: Version, calls: Sequence[tuple[Version, JsonObject]], now: str
    ) -> list[Write]:
        """The Task, unless somebody is to call already or has called about this very refusal."""
        id = derived_id(CALL_BACK, refused.id, str(refused.version))
        if calls or await self._store.read("Task", id) is not None:
            return []
        offers = await alternatives(self._store, appointment, now)
        return [Put("Task", id, call_back_task(appointment, refused.id, offers, now), create=True)]

    def _flagged(self, appointment: JsonObject, task: str) -> list[Write]:
        flag: JsonObject = {"url": REFUSED_BY_EHR, "valueReference": {"reference": f"Task/{task}"}}
        others = [one for one in appointment.get("extension", ()) if one["url"] != REFUSED_BY_EHR]
        if flag in appointment.get("extension", ()):
            return []

        def change(content: JsonObject) -> JsonObject:
            return {**content, "extension": [*others, flag]}

        return [Amend("Appointment", appointment["id"], change)]

    def _unflagged(self, id: str, appointment: JsonObject) -> list[Write]:
        if not _is_flagged(appointment):
            return []
        return [Withdraw("Appointment", id, self._source, [_UNIT], "No EHR refuses it any more")]

    async def _tasks(self, appointment: str, code: str) -> Sequence[tuple[Version, JsonObject]]:
        """The Tasks of a kind about an appointment, those that changed last first."""
        where = And((TokenIs("code", TASK_CODE, code), ReferenceIs("focus", "Appointment", appointment)))
        order = SortKey("_lastUpdated", "updated", descending=True)
        page = await self._store.search(Query("Task", where, (order,), count=_MOST))
        return [(version, loads(version.content)) for version in page.versions]


def _refused(tasks: Sequence[tuple[Version, JsonObject]]) -> Version | None:
    """The writeback that failed last and that none of its sink has settled since."""
    settled: set[str] = set()
    for version, task in sorted(tasks, key=lambda found: -found[0].position):
        sink = owner_of(task)
        if task["status"] == "failed" and sink not in settled:
            return version
        settled.add(sink)
    return None


def _closed(calls: Iterable[tuple[Version, JsonObject]], status: str, text: str) -> list[Write]:
    return [Put("Task", v.id, moved(task, status, text), if_match=v.version) for v, task in calls]


async def _ids(store: Store, commits: Sequence[Commit]) -> AsyncIterator[str]:
    """The appointments about which something was settled, and flagged ones that changed."""
    for key in dict.fromkeys(key for commit in commits for key in _keys(commit)):
        version = await store.read(*key)
        content: JsonObject = loads(version.content) if version and not version.deleted else {}
        if key.type == "Appointment":
            if version is not None and (version.deleted or _is_flagged(content)):
                yield key.id
        elif content.get("status") not in OPEN and is_writeback(content):
            type, _, id = focus_of(content).partition("/")
            if type == "Appointment":
                yield id


def _keys(commit: Commit) -> Iterable[Key]:
    for event in commit.events:
        if event["e"] != "noted" and event["type"] in ("Task", "Appointment"):
            yield Key(event["type"], event["id"])


def _is_flagged(appointment: JsonObject) -> bool:
    return any(one["url"] == REFUSED_BY_EHR for one in appointment.get("extension", ()))
