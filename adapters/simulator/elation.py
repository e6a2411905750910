"""A simulated Elation: as much of its REST API as Credence speaks, with its habits.

``python -m adapters.simulator.elation --secret S`` prints its address. JSON both ways, lists with ``results``,
``next``, ``previous`` and ``count``, numbers for ids, UTC times. It lets two appointments stand at one time unless
``--strict`` is given (then it answers 400); sending the same twice makes two. Subscriptions are told of what the
practice changes, never of what their own application wrote, signed with Ed25519, again and again until they answer 200.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.simulator.vendor.elation_rows import (
    EASTERN,
    appointment_row,
    location_row,
    now,
    patient_row,
    physician_row,
    slot_row,
)
from adapters.simulator.vendor.faults import Faults
from adapters.simulator.vendor.options import parse
from adapters.simulator.vendor.people import people, times
from adapters.simulator.vendor.server import Answer, Call, Refused, Vendor, run
from adapters.simulator.vendor.table import Row, Table

_REQUIRED = {
    "patients": ("caregiver_practice", "dob", "first_name", "last_name", "primary_physician", "sex"),
    "appointments": ("patient", "physician", "practice", "scheduled_date"),
}
_READ_ONLY = ("id", "created_date", "deleted_date", "last_modified", "last_modified_date")
_HOOK_TRIES = 60


class Elation(Vendor):
    """The practice and its API."""

    token_path = "/api/2.0/oauth2/token"  # noqa: S105

    def __init__(
        self,
        client_id: str,
        secret: str,
        faults: Faults,
        practice: str,
        patients: int = 12,
        days: int = 10,
        strict: bool = False,
    ):
        super().__init__(client_id, secret, faults)
        self.practice, self.strict = int(practice), strict
        self.service_locations = self.table("service_locations", 3001)
        self.physicians = self.table("physicians", 4001)
        self.patients = self.table("patients", 140754680086529)
        self.appointments = self.table("appointments", 140758600000001)
        self.subscriptions = self.table("subscriptions", 1)
        self._events = itertools.count(1)
        self._key = Ed25519PrivateKey.generate()
        self._calls: set[asyncio.Task[None]] = set()
        self._open(patients, days)

    @property
    def public_key(self) -> str:
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def _open(self, patients: int, days: int) -> None:
        for name, street in (("Harbor Office", "1 Harbor Way"), ("Hill Office", "20 Hill Rd")):
            id = self.service_locations.next_id()
            self.service_locations.put(id, location_row(int(id), name, street, self.practice), at_once=True)
        for given, family in (("Paula", "Stern"), ("Quinn", "Tate")):
            id = self.physicians.next_id()
            self.physicians.put(id, physician_row(int(id), given, family, self.practice), at_once=True)
        for number, person in enumerate(people(patients, seed=2)):
            id = self.patients.next_id()
            self.patients.put(id, patient_row(int(id), person, self.practice, 700 + number), at_once=True)
        for at in times(datetime.now(EASTERN).date(), days):
            for physician, location in ((4001, 3001), (4002, 3002)):
                self._add_slot(at.replace(tzinfo=EASTERN), physician, location, at_once=True)

    def _add_slot(self, at: datetime, physician: int, location: int, at_once: bool = False) -> None:
        id = self.appointments.next_id()
        row = slot_row(int(id), at.astimezone(UTC), physician, location, self.practice)
        self.appointments.put(id, row, at_once)

    # The API

    async def api(self, call: Call) -> Answer:
        if call.path[:2] != ["api", "2.0"]:
            raise _not_found()
        match (call.method, *call.path[2:]):
            case (_, "app", "subscriptions", *rest):
                return self._subscriptions(call, rest)
            case ("GET", ("patients" | "appointments" | "physicians" | "service_locations") as name):
                return self._list(call, self._filtered(name, call.query))
            case ("POST", ("patients" | "appointments") as name):
                return self._create(name, call.form)
            case ("GET", name, id) if name in self.tables:
                return _one(self.tables[name].seen(id))
            case ("PATCH" | "PUT", ("patients" | "appointments") as name, id):
                return self._change(name, id, call.form)
            case ("DELETE", ("patients" | "appointments") as name, id):
                return self._delete(name, id)
        raise _not_found()

    def _filtered(self, name: str, query: dict[str, str]) -> list[Row]:
        rows = [row for _, row in self.tables[name].all_seen()]
        if name == "appointments":
            rows = [row for row in rows if _is_in_days(row, query)]
        since = query.get("last_modified__gte")
        if since:
            begin = datetime.fromisoformat(since)
            rows = [row for row in rows if datetime.fromisoformat(row["last_modified"]) >= begin]
        same = ("last_name", "first_name", "dob", "npi", "physician", "patient", "time_slot_type")
        wanted = {column: query[column].lower() for column in same if column in query}
        return [row for row in rows if all(str(row.get(c, "")).lower() == text for c, text in wanted.items())]

    def _list(self, call: Call, rows: list[Row]) -> Answer:
        offset = int(call.query.get("offset", "0"))
        limit = min(100, int(call.query.get("limit", "25")))
        limit = max(1, limit // 2) if call.partial else limit
        page = rows[offset : offset + limit]
        following = offset + len(page) < len(rows)
        more = "&".join(f"{n}={v}" for n, v in call.query.items() if n != "offset")
        link = f"{call.url}?{more}&offset={offset + len(page)}" if following else None
        return Answer(200, {"count": len(rows), "next": link, "previous": None, "results": page})

    def _create(self, name: str, form: Row) -> Answer:
        missing = {one: ["This field is required."] for one in _REQUIRED[name] if form.get(one) in (None, "")}
        if missing:
            raise Refused(400, missing)
        table = self.tables[name]
        id = table.next_id()
        given = {column: value for column, value in form.items() if column not in _READ_ONLY}
        if name == "patients":
            row = {**patient_row(int(id), None, self.practice, 0), **given}
        else:
            self._check_appointment(given)
            row = {**appointment_row(int(id), self.practice), **given}
        self._keep(table, id, row)
        self.note(name, id, method="POST", mark=(form.get("metadata") or {}).get("object_id", ""))
        return Answer(201, row)

    def _check_appointment(self, form: Row, id: str = "") -> None:
        if form.get("patient") is not None and self.patients.now(str(form["patient"])) is None:
            raise Refused(400, {"patient": ["Invalid pk - object does not exist."]})
        begin = _time(form.get("scheduled_date"))
        if self.strict and self._overlapping(form, begin, id):
            raise Refused(400, {"non_field_errors": ["The appointment would overlap with another."]})

    def _overlapping(self, form: Row, begin: datetime, id: str) -> bool:
        end = begin + timedelta(minutes=int(form.get("duration") or 15))
        return any(
            row["time_slot_type"] == "appointment"
            and row["physician"] == form.get("physician")
            and (row.get("status") or {}).get("status") != "Cancelled"
            and other != id
            and _time(row["scheduled_date"]) < end
            and begin < _time(row["scheduled_date"]) + timedelta(minutes=row["duration"])
            for other, row in self.appointments.all_now()
        )

    def _change(self, name: str, id: str, form: Row) -> Answer:
        table = self.tables[name]
        row = table.now(id)
        if row is None:
            raise _not_found()
        before = dict(row)
        row |= {column: value for column, value in form.items() if column not in _READ_ONLY}
        if name == "appointments" and "scheduled_date" in form:
            self._check_appointment(row, id)
        self._keep(table, id, row, before)
        self.note(name, id, method="PATCH", fields=sorted(form))
        return Answer(200, row)

    def _delete(self, name: str, id: str) -> Answer:
        if self.tables[name].now(id) is None:
            raise _not_found()
        self.tables[name].put(id, None)
        self.note(name, id, method="DELETE")
        return Answer(204)

    def _keep(self, table: Table, id: str, row: Row, before: Row | None = None) -> None:
        stamp = "last_modified" if table is self.patients else "last_modified_date"
        row[stamp] = now()
        table.put(id, row)
        if table is self.appointments:
            self._take_slots(row)
            if before is not None:
                self._give_back(before, row)

    def _take_slots(self, row: Row) -> None:
        """The slot that an appointment stands in is no more offered."""
        if row["time_slot_type"] != "appointment" or (row.get("status") or {}).get("status") == "Cancelled":
            return
        for id, slot in self.appointments.all_now():
            if slot["time_slot_type"] == "appointment_slot" and _same_time(slot, row):
                self.appointments.put(id, None)

    def _give_back(self, before: Row, after: Row) -> None:
        cancelled = (after.get("status") or {}).get("status") == "Cancelled"
        if before["time_slot_type"] == "appointment" and (cancelled or not _same_time(before, after)):
            at = _time(before["scheduled_date"])
            self._add_slot(at, int(before["physician"]), int(before.get("service_location") or 3001))

    # Subscriptions

    def _subscriptions(self, call: Call, rest: list[str]) -> Answer:
        match (call.method, *rest):
            case ("GET",):
                return self._list(call, [row for _, row in self.subscriptions.all_seen()])
            case ("POST",):
                return self._subscribe(call.form)
            case ("GET", id):
                return _one(self.subscriptions.seen(id))
            case ("DELETE", id):
                self.subscriptions.put(id, None)
                return Answer(204)
        raise _not_found()

    def _subscribe(self, form: Row) -> Answer:
        if not form.get("resource") or not form.get("target"):
            raise Refused(400, {"target": ["This field is required."]})
        for _, row in self.subscriptions.all_now():
            if (row["resource"], row["target"]) == (form["resource"], form["target"]):
                raise Refused(409, {"detail": "This subscription exists."})
        id = self.subscriptions.next_id()
        row = {"id": int(id), "resource": form["resource"], "target": form["target"], "deleted_date": None}
        row |= {"created_date": now(), "signing_pub_key": self.public_key}
        self.subscriptions.put(id, row, at_once=True)
        return Answer(201, row)

    def altered(self, table: str, id: str) -> None:
        row = self.tables[table].now(id)
        if row is not None and table in ("patients", "appointments"):
            row["last_modified" if table == "patients" else "last_modified_date"] = now()
            self.tables[table].put(id, row)
            if table == "appointments":
                self._take_slots(row)
        event = {"event_id": next(self._events), "application_id": "simulated", "resource": table}
        event |= {"action": "saved" if row else "deleted", "data": row or {"id": int(id)}}
        body = json.dumps(event).encode()
        for _, subscription in self.subscriptions.all_now():
            if subscription["resource"] == table:
                task = asyncio.get_running_loop().create_task(self._tell(subscription["target"], body))
                self._calls.add(task)
                task.add_done_callback(self._calls.discard)

    async def _tell(self, target: str, body: bytes) -> None:
        signature = base64.b64encode(self._key.sign(body)).decode()
        headers = {"El8-Ed25519-Signature": signature, "Content-Type": "application/json"}
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            for number in range(_HOOK_TRIES):
                try:
                    if (await http.post(target, content=body, headers=headers)).status_code == 200:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(min(5.0, 0.2 * 2**number))


def _not_found() -> Refused:
    return Refused(404, {"detail": "Not found."})


def _one(row: Row | None) -> Answer:
    if row is None:
        raise _not_found()
    return Answer(200, row)


def _time(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise Refused(400, {"scheduled_date": ["Datetime has wrong format."]}) from None


def _same_time(one: Row, other: Row) -> bool:
    same = _time(one["scheduled_date"]) == _time(other["scheduled_date"])
    return same and one["physician"] == other["physician"]


def _is_in_days(row: Row, query: dict[str, str]) -> bool:
    day = _time(row["scheduled_date"]).astimezone(EASTERN).date().isoformat()
    return query.get("from_date", "") <= day <= query.get("to_date", "9999")


def main() -> None:
    """Serve until interrupted."""
    options, faults = parse("elation", "Serve a simulated Elation practice.", flags=("strict",))
    make = partial(
        Elation,
        options.client_id,
        options.secret,
        faults,
        options.practice,
        options.patients,
        options.days,
        options.strict,
    )
    run(make, "elation", options.host, options.port)


if __name__ == "__main__":
    main()
