"""Bulk export by the simulated EHR: jobs that take their time, files of NDJSON. https://hl7.org/fhir/uv/bulkdata/"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.simulator.answers import Answer, outcome, plain
from adapters.simulator.call import Call
from adapters.simulator.habits import HabitBook
from adapters.simulator.keys import date_range
from adapters.simulator.records import Records, Stored
from fhirserver.kernel.json import JsonObject, dumps

NDJSON = "application/fhir+ndjson"
GROUP = "all"
_AS_OF = (
    "SELECT type, id, version, updated, deleted, content FROM versions v WHERE type = ? AND updated > ?"
    " AND version = (SELECT max(version) FROM versions w WHERE w.type = v.type AND w.id = v.id AND w.updated <= ?)"
    " AND deleted = ? ORDER BY id LIMIT ? OFFSET ?"
)


@dataclass(frozen=True, slots=True)
class File:
    """A part of a job's answer: ``start`` is the first record; ``deleted`` ones come as Bundles."""

    type: str
    start: int
    count: int
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One export: what stood there at the instant ``at`` and was changed after ``since``."""

    request: str
    types: Sequence[str]
    since: str
    at: str
    ready: float


class Exports:
    """The jobs; they are forgotten with the process, as real EHRs forget them after a while."""

    def __init__(self, records: Records, habits: HabitBook):
        self._records, self._habits = records, habits
        self._jobs: dict[str, Job] = {}
        self.started = 0

    def kick_off(self, call: Call, types: Sequence[str]) -> Answer:
        """https://hl7.org/fhir/uv/bulkdata/export.html#bulk-data-kick-off-request"""
        query = dict(call.query)
        if "respond-async" not in call.headers.get("prefer", ""):
            return outcome(400, "invalid", "Prefer: respond-async is needed")
        wanted = [type for type in query.get("_type", "").split(",") if type]
        if unknown := [type for type in wanted if type not in types]:
            return outcome(400, "not-supported", f"{unknown[0]} is not exported")
        since = date_range(query["_since"])[0] if "_since" in query else ""
        job = Job(
            f"{call.base}/{'/'.join(call.path[1:])}",
            wanted or sorted(types),
            since,
            self._records.now(),
            time.monotonic() + self._habits.now.export_seconds,
        )
        id = secrets.token_hex(6)
        self._jobs[id] = job
        self.started += 1
        return Answer(202, headers={"Content-Location": f"{call.base}/$export-status/{id}"})

    def status(self, call: Call, id: str) -> Answer:
        """https://hl7.org/fhir/uv/bulkdata/export.html#bulk-data-status-request"""
        job = self._jobs.get(id)
        if job is None:
            return outcome(404, "not-found", "there is no such job")
        left = job.ready - time.monotonic()
        if left > 0:
            return Answer(202, headers={"Retry-After": str(max(1, round(left))), "X-Progress": "at work"})
        return plain(self._manifest(call, id, job))

    def cancel(self, id: str) -> Answer:
        return Answer(202) if self._jobs.pop(id, None) else outcome(404, "not-found", "there is no such job")

    def file(self, id: str, number: str) -> Answer:
        """One file, in the order of the manifest; the last is that of the errors."""
        job = self._jobs.get(id)
        files = self._files(job) if job else []
        if job is None or not number.isdigit() or int(number) > len(files):
            return outcome(404, "not-found", "there is no such file")
        if int(number) == len(files):
            return Answer(200, _ERRORS, media_type=NDJSON)
        file = files[int(number)]
        found = self._found(job, file.type, file.deleted, file.count, file.start)
        lines = [_deleted(each) if file.deleted else each.content for each in found]
        return Answer(200, b"\n".join([*lines, b""]), media_type=NDJSON, cut=self._is_cut())

    def _is_cut(self) -> bool:
        cuts = self._habits.now.export_cuts
        if cuts:
            self._habits.change({"export_cuts": cuts - 1})
        return cuts > 0

    def _manifest(self, call: Call, id: str, job: Job) -> JsonObject:
        address = f"{call.base}/$export-file/{id}"
        files = list(enumerate(self._files(job)))
        errors = [{"type": "OperationOutcome", "url": f"{address}/{len(files)}"}]
        return {
            "transactionTime": job.at,
            "request": job.request,
            "requiresAccessToken": self._habits.now.export_token,
            "output": [
                {"type": file.type, "url": f"{address}/{number}", "count": file.count}
                for number, file in files
                if not file.deleted
            ],
            "deleted": [
                {"type": "Bundle", "url": f"{address}/{number}", "count": file.count}
                for number, file in files
                if file.deleted
            ],
            "error": errors if self._habits.now.export_errors else [],
        }

    def _files(self, job: Job) -> list[File]:
        size = max(1, self._habits.now.export_lines)
        files = []
        for deleted in (False, True) if job.since else (False,):
            for type in job.types:
                many = len(self._found(job, type, deleted, -1, 0))
                files += [
                    File(type, start, min(size, many - start), deleted) for start in range(0, many, size)
                ]
        return files

    def _found(self, job: Job, type: str, deleted: bool, count: int, start: int) -> list[Stored]:
        return self._records.select(_AS_OF, [type, job.since, job.at, int(deleted), count, start])


def _deleted(stored: Stored) -> bytes:
    request = {"method": "DELETE", "url": f"{stored.type}/{stored.id}"}
    return dumps({"resourceType": "Bundle", "type": "transaction", "entry": [{"request": request}]})


_ERRORS = (
    dumps({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing"}]})
    + b"\n"
)
