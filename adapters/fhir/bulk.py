"""A first load by Bulk Data export: kicked off, waited for, downloaded line by line, and picked up where it stopped.

https://hl7.org/fhir/uv/bulkdata/export.html. The place in the export is part of the cursor: the address of the job,
the file, and the last line that was handed out.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.fhir.bodies import whole
from adapters.fhir.bundles import deletion
from adapters.fhir.exchange import Exchange, members, record, updated_at
from adapters.fhir.ndjson import Lines, Position
from adapters.fhir.refusals import retry_after
from adapters.fhir.retries import RetryPolicy, Sleep
from adapters.fhir.walk import version_of
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.ports.ehr import (
    Capabilities,
    EhrError,
    Gone,
    Permanent,
    Record,
    Retryable,
    Unauthorized,
    Unusable,
)

log = logging.getLogger("credence.fhir")
LEVELS = ("auto", "system", "patient", "group", "off")
OVER: JsonObject = {"over": True}
_WORST = ("error", "fatal")
_RECENT = timedelta(minutes=5)
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0


class ExportFailed(Exception):
    """The EHR does not do the export, or not to its end; the records can still be read page by page."""


@dataclass(frozen=True, slots=True)
class BulkSettings:
    """``level``: ``auto`` takes the system's export where the EHR offers it; ``group`` needs the id of one.

    ``patience``: how many seconds a job may take.
    """

    level: str = "auto"
    group: str = ""
    patience: float = 86_400.0

    def path(self, capabilities: Capabilities) -> str:
        """Where to kick off; empty where there is to be no export."""
        if self.level == "auto":
            return "$export" if "export" in capabilities.operations else ""
        return {
            "system": "$export",
            "patient": "Patient/$export",
            "group": f"Group/{self.group}/$export",
        }.get(self.level, "")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a job has made. ``output`` are type and address, in the order in which they shall be taken in."""

    at: datetime
    output: Sequence[tuple[str, str]]
    deleted: Sequence[str]
    errors: Sequence[str]
    token: bool

    @property
    def files(self) -> Sequence[tuple[str, str]]:
        """All that holds records; the deleted have no type."""
        return [*self.output, *(("", url) for url in self.deleted)]


@dataclass(slots=True)
class Loaded:
    """A step: records to hand out, and the place in the export after them.

    ``complete`` are the types that were read as a whole, as they stood ``at``, with the versions of what had changed
    shortly before: it would be handed out again by the next pull.
    """

    records: list[Record]
    place: JsonObject
    complete: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(slots=True)
class BulkLoad:
    """Loads from one EHR."""

    exchange: Exchange
    policy: RetryPolicy
    sleep: Sleep
    settings: BulkSettings
    types: Sequence[str]
    path: str
    page_size: int = 200
    incomplete: set[str] = field(default_factory=set)
    recent: dict[str, dict[str, str]] = field(default_factory=dict)

    async def steps(self, place: JsonObject) -> AsyncIterator[Loaded]:
        """From ``place`` (empty: from the beginning) to the end, which has ``over``."""
        try:
            async for step in self._steps(place):
                yield step
        except (ExportFailed, Permanent, Gone, Unauthorized) as error:
            if isinstance(error, Unauthorized) and (isinstance(error, Unusable) or error.status != 403):
                raise
            log.warning("no export, the records are read page by page: %s", error)
            yield Loaded([], OVER)

    async def _steps(self, place: JsonObject) -> AsyncIterator[Loaded]:
        status = str(place.get("status", ""))
        manifest = await self._manifest(status) if status else None
        if manifest is None:  # not begun, or the job is not known any more
            place = {"status": await self._kick_off()}
            status = place["status"]
            yield Loaded([], place)
            manifest = await self._manifest(status)
        if manifest is None:
            raise ExportFailed("the EHR does not know its job")
        self.incomplete = set(place.get("incomplete", ()))
        await self._read_errors(manifest)
        async for step in self._files(manifest, place):
            yield step
        complete = {type for type, _ in manifest.output} - self.incomplete
        yield Loaded([], OVER, {type: self.recent.get(type, {}) for type in complete}, manifest.at)
        with suppress(EhrError):
            await self._ask("DELETE", status)

    async def _kick_off(self) -> str:
        """The address of the job. https://hl7.org/fhir/uv/bulkdata/export.html#bulk-data-kick-off-request"""
        url = self.exchange.addresses.of(
            self.path, {"_type": ",".join(self.types), "_outputFormat": "application/fhir+ndjson"}
        )
        status, headers, _ = await self._retried(
            str(url), {"Accept": "application/fhir+json", "Prefer": "respond-async"}
        )
        place = headers.get("content-location", "")
        if status != 202 or not place:
            raise ExportFailed("the EHR does not say where its job is")
        return str(self.exchange.addresses.of(place))

    async def _manifest(self, job: str) -> Manifest | None:
        """Wait until the job is done. None where the EHR does not know it."""
        waited, wait = 0.0, _FIRST_WAIT
        while True:
            try:
                status, headers, body = await self._retried(job, {"Accept": "application/json"})
            except (Gone, Permanent) as error:
                if error.status in (404, 410):
                    return None
                raise
            except Retryable as error:
                if error.status == 500:  # so the standard says that the job has failed
                    raise ExportFailed("the EHR's job has failed") from None
                raise
            if status != 202:
                return _manifest(body, self.types)
            asked = retry_after(headers.get("retry-after", ""), self.exchange.their_time())
            wait = min(wait * 1.5, _LONGEST_WAIT) if asked is None else max(asked, 0.1)
            if waited + wait > self.settings.patience:
                raise ExportFailed("the EHR's job takes too long")
            await self.sleep(wait)
            waited += wait

    async def _retried(self, url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        answer: tuple[int, dict[str, str], bytes] = await self.policy.retrying(self.sleep)(
            self._ask, "GET", url, headers
        )
        return answer

    async def _ask(
        self, method: str, url: str, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        async with self.exchange.asked(method, self.exchange.addresses.of(url), None, headers) as response:
            body = await whole(response, self.exchange.most_bytes)
            return response.status_code, dict(response.headers), body

    async def _files(self, manifest: Manifest, place: JsonObject) -> AsyncIterator[Loaded]:
        first, line = int(place.get("file", 0)), int(place.get("line", 0))
        lines = Lines(self.exchange, self.policy, self.sleep, manifest.token)
        for number, (type, url) in enumerate(manifest.files):
            if number < first:
                continue
            position = Position(line if number == first else 0)
            async for batch in lines.batches(url, position, self.page_size):
                records = [each for text in batch for each in self._read(type, text, position)]
                self._remember(records, manifest.at)
                yield Loaded(records, self._place(place, number, position))

    def _remember(self, records: Sequence[Record], at: datetime) -> None:
        for each in records:
            changed = updated_at(each)
            if changed is not None and changed > at - _RECENT:
                self.recent.setdefault(each.type, {})[each.id] = version_of(each)

    def _place(self, place: JsonObject, file: int, position: Position) -> JsonObject:
        now: JsonObject = {"status": place["status"], "file": file, "line": position.line}
        return {**now, "incomplete": sorted(self.incomplete)} if self.incomplete else now

    def _read(self, type: str, line: bytes, position: Position) -> Sequence[Record]:
        """The records of one line; what cannot be read makes its type one that is read page by page as well."""
        try:
            content: Json = loads(line)
        except InvalidJson:
            content = None
        if not isinstance(content, dict):
            log.warning(
                "export: line %d of a file of %s is not a resource", position.line, type or "deletions"
            )
            self.incomplete |= {type} if type else set(self.types)
            return ()
        if not type:
            return [each for entry in members(content, "entry") if (each := deletion(entry))]
        return [record(content)] if content.get("resourceType") == type and content.get("id") else ()

    async def _read_errors(self, manifest: Manifest) -> None:
        """What the EHR could not export. Which types that concerns it does not say, so it may be any."""
        lines = Lines(self.exchange, self.policy, self.sleep, manifest.token)
        for url in manifest.errors:
            async for batch in lines.batches(url, Position(), self.page_size):
                if any(_is_error(line) for line in batch):
                    log.warning("export: the EHR could not export everything; the rest is read page by page")
                    self.incomplete |= set(self.types)


def _manifest(body: bytes, types: Sequence[str]) -> Manifest:
    """Raises :class:`ExportFailed` for one that is not as the standard has it."""
    try:
        document = loads(body)
        at = parse_instant(document["transactionTime"])
        files = [(str(each["type"]), str(each["url"])) for each in members(document, "output")]
    except (InvalidJson, KeyError, TypeError, ValueError):
        raise ExportFailed("the EHR's list of files is malformed") from None
    order = {type: number for number, type in enumerate(types)}
    output = sorted((each for each in files if each[0] in order), key=lambda each: order[each[0]])
    deleted = [str(each.get("url")) for each in members(document, "deleted")]
    errors = [str(each.get("url")) for each in members(document, "error")]
    return Manifest(at, output, deleted, errors, document.get("requiresAccessToken") is not False)


def _is_error(line: bytes) -> bool:
    try:
        outcome = loads(line)
    except InvalidJson:
        return True
    if not isinstance(outcome, dict):
        return True
    return any(issue.get("severity") in _WORST for issue in members(outcome, "issue"))
