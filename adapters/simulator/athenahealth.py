"""A simulated athenahealth: as much of athenaOne's REST API as Credence speaks, with its habits.

``python -m adapters.simulator.athenahealth --secret S`` prints its address. Form-encoded writes, text for numbers (and
numbers for text in lists of open slots), dates as MM/DD/YYYY in the department's time, lists with ``totalcount`` and
``next``, feeds of changes that reading empties, refusals with status 200. A slot and the appointment that it becomes
share an id; cancelling or rescheduling opens a new slot in its place under another id. Registering the same patient
twice makes two.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

from adapters.simulator.vendor.athena_rows import (
    DATE,
    EASTERN,
    as_numbers,
    check_date,
    day,
    department_row,
    error,
    insurance_row,
    kept,
    note,
    now,
    patient_row,
    provider_row,
    seconds,
    stamps,
)
from adapters.simulator.vendor.faults import Faults
from adapters.simulator.vendor.options import parse
from adapters.simulator.vendor.people import people, times
from adapters.simulator.vendor.server import Answer, Call, Refused, Vendor, run
from adapters.simulator.vendor.table import Feed, Row

_PATIENT = (
    *("firstname", "middlename", "lastname", "dob", "sex", "email", "mobilephone", "homephone", "workphone"),
    *("address1", "address2", "city", "state", "zip", "maritalstatus", "notes", "status", "departmentid"),
    *("primaryproviderid",),
)
_INSURANCE = ("insurancepackageid", "insuranceidnumber", "sequencenumber", "relationshiptoinsuredid")


class Athenahealth(Vendor):
    """The practice and its API."""

    token_path = "/oauth2/v1/token"  # noqa: S105

    def __init__(
        self, client_id: str, secret: str, faults: Faults, practice: str, patients: int = 12, days: int = 10
    ):
        super().__init__(client_id, secret, faults)
        self.practice = practice
        self.departments = self.table("departments", 1)
        self.providers = self.table("providers", 1)
        self.patients = self.table("patients", 1001)
        self.insurances = self.table("insurances", 8201)
        self.appointments = self.table("appointments", 2204001)
        self.feeds = {name: Feed() for name in ("patients", "appointments", "providers")}
        self._open(patients, days)

    # The practice as it begins

    def _open(self, patients: int, days: int) -> None:
        for number, (name, street) in enumerate((("Harbor", "1 Harbor Way"), ("Hillside", "20 Hill Rd")), 1):
            self.departments.put(str(number), department_row(number, name, street), at_once=True)
        for number, (given, family, sex) in enumerate((("Nora", "Quist", "F"), ("Omar", "Reyes", "M")), 1):
            self.providers.put(str(number), provider_row(number, given, family, sex), at_once=True)
        for person in people(patients):
            id = self.patients.next_id()
            self.patients.put(id, patient_row(id, person), at_once=True)
            insurance = self.insurances.next_id()
            self.insurances.put(insurance, insurance_row(insurance, id, person), at_once=True)
        today = datetime.now(EASTERN).date()
        for at in times(today, days):
            for provider in ("1", "2"):
                self._add_slot(at, provider, provider, at_once=True)

    def _add_slot(self, at: datetime, provider: str, department: str, at_once: bool = False) -> str:
        id = self.appointments.next_id()
        row = {
            "date": at.strftime(DATE),
            "starttime": at.strftime("%H:%M"),
            "duration": 30,
            "appointmentid": id,
            "departmentid": department,
            "providerid": provider,
            "appointmenttypeid": "82",
            "appointmenttype": "Any 30",
            "patientappointmenttypename": "Office Visit",
            "appointmentstatus": "o",
        }
        self.appointments.put(id, row, at_once)
        return id

    def altered(self, table: str, id: str) -> None:
        if table == "appointments" and (appointment := self.appointments.now(id)):
            self.appointments.put(id, {**appointment, "lastmodified": now(), "lastmodifiedby": "CLERK-1"})
        if table == "insurances":
            insurance = self.insurances.now(id)
            table, id = "patients", str(insurance["patientid"]) if insurance else ""
        if table in self.feeds and id:
            self.feeds[table].add(id)

    # The API

    async def api(self, call: Call) -> Answer:
        if call.path[:2] != ["v1", self.practice]:
            raise error(404, "The practice ID is not valid.")
        match (call.method, *call.path[2:]):
            case ("GET", "ping"):
                return Answer(200, {"pong": True})
            case ("GET", "departments"):
                return self._list(call, "departments", [row for _, row in self.departments.all_seen()])
            case ("GET", "departments", id):
                return self._one(self.departments.seen(id))
            case ("GET", "providers"):
                return self._list(call, "providers", [row for _, row in self.providers.all_seen()])
            case (method, ("patients" | "appointments" | "providers") as name, "changed", *rest):
                return self._changed(call, method, name, rest)
            case ("GET", "providers", id):
                return self._one(self.providers.seen(id))
            case (_, "patients", *rest):
                return self._patients(call, rest)
            case (_, "appointments", *rest):
                return self._appointments(call, rest)
        raise error(404, "The requested endpoint does not exist.")

    def _one(self, row: Row | None) -> Answer:
        if row is None:
            raise error(404, "The requested resource does not exist.")
        return Answer(200, [row])

    def _list(self, call: Call, name: str, rows: list[Row]) -> Answer:
        offset, limit = int(call.query.get("offset", "0")), int(call.query.get("limit", "100"))
        page = rows[offset : offset + (limit if not call.partial else max(1, limit // 2))]
        body: Row = {name: page, "totalcount": len(rows)}
        if offset + len(page) < len(rows):
            body["next"] = f"/{'/'.join(call.path)}?limit={limit}&offset={offset + len(page)}"
        return Answer(200, body)

    def _changed(self, call: Call, method: str, name: str, rest: list[str]) -> Answer:
        feed = self.feeds[name]
        if rest == ["subscription"]:
            if method == "POST":
                feed.subscribed = True
                return Answer(200, {"success": True})
            return Answer(200, {"status": "ACTIVE" if feed.subscribed else "INACTIVE"})
        if not feed.subscribed:
            raise error(403, "There is no subscription to this event.")
        rows = [self._shown(name, id) for id in self._taken(call, feed)]
        shown = [row for row in rows if row is not None]
        return Answer(200, {name: shown, "totalcount": len(shown)})

    def _taken(self, call: Call, feed: Feed) -> list[str]:
        since = call.query.get("showprocessedstartdatetime")
        if since is not None:
            until = call.query.get("showprocessedenddatetime", "12/31/2099 00:00:00")
            return feed.taken(seconds(since), seconds(until) + 1)
        limit = int(call.query.get("limit", "1000"))
        return feed.take(limit, call.query.get("leaveunprocessed") == "true")

    def _shown(self, name: str, id: str) -> Row | None:
        """A record as the feed shows it: as it is, however late other reads see it."""
        if name == "patients":
            row = self.patients.now(id)
            return self._with_insurances(row) if row else None
        return (self.providers if name == "providers" else self.appointments).now(id)

    # Patients and their insurance

    def _patients(self, call: Call, rest: list[str]) -> Answer:
        match (call.method, *rest):
            case ("GET",):
                return self._list(call, "patients", self._searched(call.query))
            case ("POST",):
                return self._register(call.form)
            case ("GET", id):
                row = self.patients.seen(id)
                return self._one(self._with_insurances(row) if row else None)
            case ("PUT", id):
                return self._change_patient(id, call.form)
            case (_, id, "insurances", *more):
                return self._insurances(call, id, more)
        raise error(405, "Method not allowed.")

    def _searched(self, query: dict[str, str]) -> list[Row]:
        wanted = {
            name: query[name] for name in ("firstname", "lastname", "dob", "departmentid") if name in query
        }
        if not wanted:
            raise error(400, "Additional fields are required to search.")
        rows = [self._with_insurances(row) for _, row in self.patients.all_seen()]
        return [
            row
            for row in rows
            if all(str(row.get(name, "")).lower() == text.lower() for name, text in wanted.items())
        ]

    def _with_insurances(self, row: Row) -> Row:
        held = [one for _, one in self.insurances.all_seen() if one["patientid"] == row["patientid"]]
        return {**row, "insurances": [{k: v for k, v in one.items() if k != "patientid"} for one in held]}

    def _register(self, form: Row) -> Answer:
        missing = [n for n in ("firstname", "lastname", "dob", "departmentid") if not form.get(n)]
        if missing:
            raise Refused(400, {"error": "Missing required fields.", "missingfields": missing})
        check_date(form["dob"])
        id = self.patients.next_id()
        row = {"patientid": id, "status": "active", **kept(form, _PATIENT)}
        row["registrationdate"] = datetime.now(EASTERN).strftime(DATE)
        self.patients.put(id, row)
        self.feeds["patients"].add(id)
        self.note("register", id, notes=row.get("notes", ""))
        return Answer(200, [{"patientid": id}])

    def _change_patient(self, id: str, form: Row) -> Answer:
        row = self.patients.now(id)
        if row is None:
            raise error(404, "The patient does not exist.")
        if form.get("dob"):
            check_date(form["dob"])
        changed = {**row, **kept(form, _PATIENT)}
        self.patients.put(id, {name: value for name, value in changed.items() if value != ""})
        self.feeds["patients"].add(id)
        self.note("patient", id, fields=sorted(form))
        return Answer(200, [{"patientid": id}])

    def _insurances(self, call: Call, patient: str, more: list[str]) -> Answer:
        if self.patients.now(patient) is None:
            raise error(404, "The patient does not exist.")
        if call.method == "GET":
            rows = [one for _, one in self.insurances.all_seen() if one["patientid"] == patient]
            return self._list(
                call, "insurances", [{k: v for k, v in o.items() if k != "patientid"} for o in rows]
            )
        if call.method == "POST":
            return self._add_insurance(patient, call.form)
        row = self.insurances.now(more[0]) if more else None
        if row is None or row["patientid"] != patient:
            raise error(404, "The insurance does not exist.")
        if call.method == "DELETE":
            self.insurances.put(more[0], None)
        else:
            self.insurances.put(more[0], {**row, **kept(call.form, _INSURANCE)})
        self.feeds["patients"].add(patient)
        self.note("insurance", more[0], method=call.method)
        return Answer(200, {"success": True, "message": ""})

    def _add_insurance(self, patient: str, form: Row) -> Answer:
        if not form.get("insuranceidnumber") or not form.get("insurancepackageid"):
            raise error(400, "insurancepackageid and insuranceidnumber are required.")
        id = self.insurances.next_id()
        row = {
            "insuranceid": id,
            "patientid": patient,
            "insurancetype": "Commercial",
            **kept(form, _INSURANCE),
        }
        row["insuranceplandisplayname"] = f"Plan {row['insurancepackageid']}"
        self.insurances.put(id, row)
        self.feeds["patients"].add(patient)
        self.note("insurance", id, method="POST")
        return Answer(200, [{k: v for k, v in row.items() if k != "patientid"}])

    # Appointments

    def _appointments(self, call: Call, rest: list[str]) -> Answer:
        match (call.method, *rest):
            case ("GET", "open"):
                rows = [as_numbers(row) for row in self._calendar(call.query, "o")]
                return self._list(call, "appointments", rows)
            case ("GET", "booked"):
                statuses = "f234x" if call.query.get("showcancelled") == "true" else "f234"
                return self._list(call, "appointments", self._calendar(call.query, statuses))
            case ("GET", id):
                return self._one(self.appointments.seen(id))
            case ("PUT", id):
                return self._book(id, call.form)
            case ("PUT", id, "cancel"):
                return self._cancel(id, call.form)
            case ("PUT", id, "reschedule"):
                return self._reschedule(id, call.form)
            case ("POST", id, "freeze"):
                return self._freeze(id)
        raise error(405, "Method not allowed.")

    def _calendar(self, query: dict[str, str], statuses: str) -> list[Row]:
        if not query.get("departmentid"):
            raise error(400, "departmentid is required.")
        first, last = day(query.get("startdate", "")), day(query.get("enddate", ""), date.max)
        return [
            row
            for _, row in self.appointments.all_seen()
            if row["departmentid"] == query["departmentid"]
            and row["appointmentstatus"] in statuses
            and not row.get("frozenyn")
            and first <= day(row["date"]) <= last
        ]

    def _free(self, id: str) -> Row:
        row = self.appointments.now(id)
        if row is None:
            raise error(404, "The appointment does not exist.")
        if row["appointmentstatus"] != "o" or row.get("frozenyn"):
            raise error(409, "The appointment is not available for scheduling.")
        return row

    def _booked(self, id: str, form: Row) -> Row:
        row = self.appointments.now(id)
        if row is None or row["appointmentstatus"] == "o":
            raise error(404, "The appointment does not exist.")
        if form.get("patientid") != row["patientid"]:
            raise error(400, "The appointment is not for this patient.")
        if row["appointmentstatus"] != "f":
            raise error(409, "The appointment is already cancelled.")
        return row

    def _book(self, id: str, form: Row) -> Answer:
        if self.patients.now(str(form.get("patientid", ""))) is None:
            raise error(400, "Invalid PATIENTID input")
        row = self._free(id)
        notes = [note(form["bookingnote"])] if form.get("bookingnote") else []
        made = {**row, **stamps(), "appointmentstatus": "f", "patientid": form["patientid"]}
        made |= {"scheduleddatetime": now(), "scheduledby": "API-1", "appointmentnotes": notes}
        self._keep(id, made)
        self.note("book", id, patient=form["patientid"], text=form.get("bookingnote", ""))
        return Answer(200, [{k: v for k, v in made.items() if k not in ("appointmentnotes", "lastmodified")}])

    def _cancel(self, id: str, form: Row) -> Answer:
        row = self._booked(id, form)
        made = {**row, **stamps(), "appointmentstatus": "x", "cancelleddatetime": now()}
        made |= {"cancelreasonname": "CANCELLED FROM API", "cancelreasonid": "-5"}
        self._keep(id, made)
        self._reopen(row)
        self.note("cancel", id)
        return Answer(200, {"status": "x"})

    def _reschedule(self, id: str, form: Row) -> Answer:
        row = self._booked(id, form)
        new = str(form.get("newappointmentid", ""))
        slot = self._free(new)
        notes = row.get("appointmentnotes", [])  # they move on with the appointment
        moved = {**slot, **stamps(), "appointmentstatus": "f", "patientid": row["patientid"]}
        moved |= {"scheduleddatetime": now(), "scheduledby": "API-1", "appointmentnotes": notes}
        old = {**row, **stamps(), "appointmentstatus": "x", "rescheduledappointmentid": new}
        self._keep(new, moved)
        self._keep(id, {name: value for name, value in old.items() if name != "appointmentnotes"})
        self._reopen(row)
        self.note("reschedule", id, to=new)
        return Answer(200, [{k: v for k, v in moved.items() if k != "appointmentnotes"}])

    def _freeze(self, id: str) -> Answer:
        row = self.appointments.now(id)
        if row is None or row.get("frozenyn"):
            return Answer(200, {"success": False, "errormessage": "Appointment is already frozen."})
        self._keep(id, {**row, "frozenyn": "true"})
        return Answer(200, {"success": True, "errormessage": ""})

    def _keep(self, id: str, row: Row) -> None:
        self.appointments.put(id, row)
        self.feeds["appointments"].add(id)

    def _reopen(self, row: Row) -> None:
        at = datetime.strptime(f"{row['date']} {row['starttime']}", f"{DATE} %H:%M")
        self._add_slot(at, row["providerid"], row["departmentid"])


def main() -> None:
    """Serve until interrupted."""
    options, faults = parse("athenahealth", "Serve a simulated athenahealth practice.")
    make = partial(
        Athenahealth,
        options.client_id,
        options.secret,
        faults,
        options.practice,
        options.patients,
        options.days,
    )
    run(make, "athenahealth", options.host, options.port)


if __name__ == "__main__":
    main()
