"""The shapes in which athenahealth writes its records, and its dates."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.simulator.vendor.people import Person
from adapters.simulator.vendor.server import Refused
from adapters.simulator.vendor.table import Row

EASTERN = ZoneInfo("America/New_York")
DATE, STAMP = "%m/%d/%Y", "%m/%d/%Y %H:%M:%S"


def error(status: int, text: str) -> Refused:
    return Refused(status, {"error": text})


def department_row(number: int, name: str, street: str) -> Row:
    return {
        "departmentid": str(number),
        "name": f"{name}_Clinic",
        "patientdepartmentname": f"{name} Clinic",
        "address": street,
        "city": "Boston",
        "state": "MA",
        "zip": "02210",
        "phone": f"(617) 555-00{number:02d}",
        "timezonename": "US/Eastern",
        "timezone": -5,
        "servicedepartment": True,
    }


def provider_row(number: int, given: str, family: str, sex: str) -> Row:
    return {
        "providerid": number,
        "firstname": given,
        "lastname": family,
        "displayname": f"{given} {family}, MD",
        "npi": 1000000000 + number * 11,
        "sex": sex,
        "specialty": "Family Medicine",
        "providertype": "MD",
        "entitytype": "Person",
    }


def patient_row(id: str, person: Person) -> Row:
    return {
        "patientid": id,
        "firstname": person.given,
        "lastname": person.family,
        "dob": person.born.strftime(DATE),
        "sex": person.sex,
        "mobilephone": person.phone,
        "email": person.email,
        "address1": person.street,
        "city": "BOSTON",
        "state": "MA",
        "zip": "02210",
        "countrycode3166": "US",
        "departmentid": "1",
        "primarydepartmentid": "1",
        "primaryproviderid": "1",
        "status": "active",
        "registrationdate": "05/28/2020",
        "middlename": "",
    }


def insurance_row(id: str, patient: str, person: Person) -> Row:
    return {
        "insuranceid": id,
        "patientid": patient,
        "insurancepackageid": 1352,
        "insuranceidnumber": person.member,
        "insuranceplanname": "HARBOR PPO",
        "insuranceplandisplayname": "Harbor PPO",
        "insurancetype": "Commercial",
        "relationshiptoinsuredid": 1,
        "relationshiptoinsured": "Self",
        "sequencenumber": 1,
        "eligibilitystatus": "Unverified",
    }


def kept(form: Row, names: tuple[str, ...]) -> Row:
    return {name: form[name] for name in names if name in form}


def as_numbers(row: Row) -> Row:
    """Lists of open slots have their ids as numbers, and no status."""
    names = ("appointmentid", "departmentid", "providerid", "appointmenttypeid")
    made = {name: int(value) if name in names else value for name, value in row.items()}
    return {**{k: v for k, v in made.items() if k != "appointmentstatus"}, "reasonid": ["-1"]}


def note(text: str) -> Row:
    return {
        "id": 1,
        "text": f"API appointment created.  Reported reason for booking: {text}",
        "displayonschedule": False,
    }


def stamps() -> Row:
    return {"lastmodified": now(), "lastmodifiedby": "API-1"}


def now() -> str:
    return datetime.now(EASTERN).strftime(STAMP)


def seconds(stamp: str) -> float:
    try:
        return datetime.strptime(stamp, STAMP).replace(tzinfo=EASTERN).timestamp()
    except ValueError:
        raise error(400, "Invalid date format.") from None


def day(text: str, otherwise: date = date.min) -> date:
    """A date of a request or a record."""
    return datetime.strptime(text, DATE).date() if text else otherwise


def check_date(text: str) -> None:
    try:
        born = datetime.strptime(text, DATE).date()
    except ValueError:
        raise error(400, "The date of birth is not valid.") from None
    if born > date.today() + timedelta(days=1):
        raise error(400, "The date of birth is not valid.")
