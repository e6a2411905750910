"""Records of people in a CSV file, as Patients with the group that each belongs to.

FEBRL files say it in ``rec_id`` (``rec-223-org``, ``rec-223-dup-0``). In any other file a column says it whose name is
one of :data:`GROUPS`, or the one that the environment variable ``GROUP`` names: records with the same value there are
of one person, and one with nothing there is alone. What a column holds is known by its name (:data:`COLUMNS`); the case
of the names, and whether their words are joined by spaces, hyphens or underscores, does not matter.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

Json = dict[str, Any]
GROUPS = (
    "group", "group_id", "cluster", "cluster_id", "entity", "entity_id", "ent_id", "person_id", "true_id", "truth",
    "match_id", "master_id", "enterprise_id", "eid", "label", "duplicate_group",
)  # fmt: skip
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "given": ("given_name", "given", "first_name", "firstname", "fname", "forename", "first"),
    "middle": ("middle_name", "middlename", "middle", "middle_initial"),
    "family": ("surname", "family", "family_name", "last_name", "lastname", "lname", "last"),
    "suffix": ("suffix", "generation"),
    "birth": ("date_of_birth", "dob", "birth_date", "birthdate", "birthday", "d_o_b"),
    "sex": ("sex", "gender"),
    "phone": ("phone", "phone_number", "telephone", "mobile", "home_phone", "phone1", "cell"),
    "email": ("email", "e_mail", "email_address"),
    "number": ("street_number", "house_number", "number"),
    "line": ("address_1", "address1", "address", "street", "street_address", "address_line_1", "street_name"),
    "line2": ("address_2", "address2", "address_line_2"),
    "city": ("suburb", "city", "town", "locality"),
    "postal": ("postcode", "postal_code", "zip", "zip_code", "zipcode", "post_code"),
    "state": ("state", "region", "province"),
    "SS": ("soc_sec_id", "ssn", "social_security_number", "soc_sec", "national_identifier"),
    "NI": ("national_id", "nhs_number", "nhs"),
    "MR": ("mrn", "medical_record_number", "patient_identifier"),
}
_REC_ID = re.compile(r"(rec-\d+)-(?:org|dup)")
_SEXES = {"m": "male", "male": "male", "f": "female", "female": "female"}


@dataclass(frozen=True, slots=True)
class Row:
    """One record, and the person it is of: "" for one that is alone."""

    patient: Json
    group: str


def rows(file: Path) -> list[Row]:
    """The records of a file. Raises :class:`ValueError` where no column says which belong together."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        start = lines.read(4096)
        lines.seek(0)
        separator = max(",;\t|", key=start.partition("\n")[0].count)
        table = [
            {_plain(name): (value or "").strip() for name, value in one.items() if isinstance(name, str)}
            for one in csv.DictReader(lines, delimiter=separator, skipinitialspace=True)
        ]
    return [Row(patient(one), group) for one, group in zip(table, _groups(table, file), strict=True)]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def _groups(table: list[dict[str, str]], file: Path) -> Iterator[str]:
    columns = table[0].keys() if table else ()
    wanted = _plain(os.environ.get("GROUP", ""))
    found = next((name for name in (wanted, *GROUPS) if name in columns), "")
    if not found and table and all(_REC_ID.match(one.get("rec_id", "")) for one in table):
        for one in table:
            yield str(_REC_ID.match(one["rec_id"])[1])  # type: ignore[index]
        return
    if not found:
        raise ValueError(f"{file.name}: no column says which records are of one person: {', '.join(GROUPS)}")
    yield from (one[found] for one in table)


def patient(row: Mapping[str, str]) -> Json:
    """A row as a Patient."""
    known = {part: next((row[n] for n in names if row.get(n)), "") for part, names in COLUMNS.items()}
    made: Json = {
        "resourceType": "Patient",
        "identifier": list(_identifiers(known)),
        "name": _name(known),
        "gender": _SEXES.get(known["sex"].lower(), ""),
        "birthDate": birth(known["birth"]),
        "telecom": [{"system": s, "value": known[s]} for s in ("phone", "email") if known[s]],
        "address": _address(known),
    }
    return {name: value for name, value in made.items() if value}


def _identifiers(known: Mapping[str, str]) -> Iterator[Json]:
    for code in ("SS", "NI", "MR"):
        if known[code]:
            kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": code}]}
            yield {"type": kind, "system": f"urn:credence:corpus:{code.lower()}", "value": known[code]}


def _name(known: Mapping[str, str]) -> list[Json]:
    name: Json = {"given": [known[part] for part in ("given", "middle") if known[part]]}
    name |= {"family": known["family"], "suffix": [known["suffix"]] if known["suffix"] else []}
    stated = {part: value for part, value in name.items() if value}
    return [stated] if stated else []


def _address(known: Mapping[str, str]) -> list[Json]:
    street = " ".join(part for part in (known["number"], known["line"]) if part)
    address: Json = {"line": [line for line in (street, known["line2"]) if line]}
    address |= {"city": known["city"], "postalCode": known["postal"], "state": known["state"]}
    stated = {part: value for part, value in address.items() if value}
    return [stated] if stated else []


def birth(text: str) -> str:
    """A date as FHIR writes it, as far as it is one: ``19371233`` is December 1937; "" for none."""
    digits = re.sub(r"\D", "", text)
    match = re.fullmatch(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})", text)
    if match:
        first, second, year = int(match[1]), int(match[2]), match[3]
        month, day = (first, second) if first <= 12 else (second, first)
        digits = f"{year}{month:02d}{day:02d}"
    if len(digits) != 8:
        return digits[:4] if len(digits) >= 4 and "1800" < digits[:4] < "2100" else ""
    year, month_text, day_text = digits[:4], digits[4:6], digits[6:]
    try:
        return date(int(year), int(month_text), int(day_text)).isoformat()
    except ValueError:
        return f"{year}-{month_text}" if "01" <= month_text <= "12" and year > "0000" else ""
