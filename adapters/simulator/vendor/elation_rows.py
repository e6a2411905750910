"""The shapes in which Elation writes its records, and its times."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from adapters.simulator.vendor.people import Person
from adapters.simulator.vendor.table import Row

EASTERN = ZoneInfo("America/New_York")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def location_row(id: int, name: str, street: str, practice: int) -> Row:
    return {
        "id": id,
        "name": name,
        "is_primary": id == 3001,
        "address_line1": street,
        "address_line2": "",
        "city": "Boston",
        "state": "MA",
        "zip": "02210",
        "phone": "(617) 555-0030",
        "fax": None,
        "status": "active",
        "practice": practice,
        "timezone": "US/Eastern",
        "deleted_date": None,
    }


def physician_row(id: int, given: str, family: str, practice: int) -> Row:
    return {
        "id": id,
        "first_name": given,
        "last_name": family,
        "credentials": "MD",
        "email": f"{given}.{family}@example.org".lower(),
        "npi": str(1200000000 + id),
        "license": f"L{id}",
        "license_state": "MA",
        "specialty": "Internal Medicine",
        "practice": practice,
        "is_active": True,
        "fax": "",
    }


def patient_row(id: int, person: Person | None, practice: int, insurance: int) -> Row:
    """A patient; without a person the members that every patient has."""
    empty: Row = {
        "id": id,
        "middle_name": "",
        "suffix": "",
        "actual_name": None,
        "caregiver_practice": practice,
        "primary_physician": 4001,
        "phones": [],
        "emails": [],
        "address": None,
        "insurances": [],
        "metadata": None,
        "patient_status": {"status": "active", "deceased_date": None},
        "merged_into_chart": None,
        "created_date": now(),
        "last_modified": now(),
        "deleted_date": None,
    }
    return empty if person is None else {**empty, **_of(person, insurance)}


def _of(person: Person, insurance: int) -> Row:
    address = {"address_line1": person.street, "address_line2": "", "city": "Boston", "state": "MA"}
    return {
        "first_name": person.given,
        "last_name": person.family,
        "dob": person.born.isoformat(),
        "sex": "Female" if person.sex == "F" else "Male",
        "phones": [{"phone": person.phone, "phone_type": "Mobile", "deleted_date": None}],
        "emails": [{"email": person.email, "deleted_date": None}],
        "address": {**address, "zip": "02210"},
        "insurances": [
            {
                "id": insurance,
                "rank": "primary",
                "carrier": "Harbor Health",
                "plan": "Harbor PPO",
                "member_id": person.member,
                "group_id": "G1",
                "relationship_to_insured": "Self",
                "start_date": "2026-01-01",
                "end_date": None,
                "copay": "25.00",
                "deleted_date": None,
            }
        ],
    }


def appointment_row(id: int, practice: int) -> Row:
    return {
        "id": id,
        "practice": practice,
        "duration": 15,
        "time_slot_type": "appointment",
        "time_slot_status": None,
        "status": {"status": "Scheduled", "room": None, "status_detail": None, "status_date": now()},
        "mode": "IN_PERSON",
        "description": "",
        "metadata": None,
        "service_location": None,
        "created_date": now(),
        "last_modified_date": now(),
        "deleted_date": None,
    }


def slot_row(id: int, at: datetime, physician: int, location: int, practice: int) -> Row:
    row = appointment_row(id, practice)
    return {
        **row,
        "scheduled_date": utc(at),
        "duration": 30,
        "physician": physician,
        "service_location": location,
        "patient": None,
        "time_slot_type": "appointment_slot",
        "status": None,
        "reason": "Office Visit",
    }
