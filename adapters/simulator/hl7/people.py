"""The EHR's patients: found by their numbers, taken in, changed, merged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from adapters.hl7v2.escapes import escape
from adapters.hl7v2.message import NULL
from adapters.simulator.hl7.books import Books, Row
from adapters.simulator.hl7.options import Options
from adapters.simulator.hl7.reading import USUAL, Number, Person, Refused

FRIENDLY = {
    "name": "5",
    "birth_date": "7",
    "sex": "8",
    "address": "11",
    "phone": "13",
    "work_phone": "14",
}
"""What a clerk may call the fields of PID; their values are the fields' texts."""
_FIRST_MRN = 100_000


class People:
    """What is known of patients. Nothing is told to others here."""

    def __init__(self, options: Options, books: Books):
        self._options, self._books = options, books

    def find(self, numbers: Iterable[Number], only_ours: bool = False, place: str = "PID-3") -> str | None:
        """The MRN of the patient with any of the numbers, after merges; None where there is none.

        Raises :class:`Refused` where one of our own numbers is nobody's, or they are of several patients.
        """
        found: set[str] = set()
        for one in numbers:
            if only_ours and one.authority != self._options.facility:
                continue
            row = self._books.row(
                "SELECT mrn FROM numbers WHERE authority = ? AND number = ?", one.authority, one.number
            )
            if row is not None:
                found.add(self.survivor(row["mrn"]))
            elif one.authority == self._options.facility:
                raise Refused("204", place, "no patient of ours has this number", "NO_PATIENT")
        if len(found) > 1:
            raise Refused("205", place, "the numbers are of several patients", "SEVERAL_PATIENTS")
        return found.pop() if found else None

    def known(self, numbers: Iterable[Number], place: str = "PID-3") -> str:
        """As :meth:`find`; raises :class:`Refused` where there is none."""
        mrn = self.find(numbers, place=place)
        if mrn is None:
            raise Refused("204", place, "no patient has this number", "NO_PATIENT")
        return mrn

    def survivor(self, mrn: str) -> str:
        """Who a patient is after all merges."""
        while (row := self.row(mrn)) is not None and row["merged_into"]:
            mrn = str(row["merged_into"])
        return mrn

    def row(self, mrn: str) -> Row | None:
        return self._books.row("SELECT * FROM patients WHERE mrn = ?", mrn)

    def practitioner(self, npi: str) -> str:
        """A practitioner as AIP-3 (XCN) has it; a number that is not known here stands by itself."""
        row = self._books.row("SELECT * FROM practitioners WHERE npi = ?", npi)
        if row is None:
            return f"{escape(npi, USUAL)}^^^^^^^^^^^^NPI"
        return f"{npi}^{row['family']}^{row['given']}^^^^^^^^^^NPI"

    def register(self, told: Person) -> str:
        """A new patient; the answer is the MRN. Raises :class:`Refused` where no name is told."""
        if told.fields.get("5", NULL) == NULL:
            raise Refused("101", "PID-5", "a new patient needs a name")
        mrn = f"M{_FIRST_MRN + self._books.next_number('mrn')}"
        self._books.do(
            "INSERT INTO patients VALUES (?, NULL, ?, ?)", mrn, json.dumps(dict(told.fields)), "{}"
        )
        own = f"{mrn}^^^{self._options.facility}^MR"
        self._remember(mrn, [Number(mrn, self._options.facility, own), *told.numbers])
        self._keep_lists(mrn, told.lists)
        return mrn

    def change(self, mrn: str, told: Person) -> bool:
        """Whether what was told is any news. What is not told of stays."""
        row = self.row(mrn)
        assert row is not None
        before = json.loads(row["fields"])
        after = {**before, **told.fields}
        news = [self._remember(mrn, told.numbers), self._keep_lists(mrn, told.lists), after != before]
        self._books.do("UPDATE patients SET fields = ? WHERE mrn = ?", json.dumps(after), mrn)
        return any(news)

    def merge(self, survivor: str, gone: str) -> bool:
        """Whether they were two until now. What the one had is the other's."""
        if survivor == gone:
            return False
        # Whoever was merged into the one that goes now points to who stays, so that chains stay short.
        self._books.do(
            "UPDATE patients SET merged_into = ? WHERE mrn = ? OR merged_into = ?", survivor, gone, gone
        )
        for table in ("appointments", "visits"):
            self._books.do(f"UPDATE {table} SET mrn = ? WHERE mrn = ?", survivor, gone)  # noqa: S608
        return True

    def visit(self, mrn: str, kind: str, start: str) -> str:
        """A new visit; the answer is its number."""
        number = f"V{self._books.next_number('visit'):06d}"
        self._books.do("INSERT INTO visits VALUES (?, ?, ?, ?)", number, mrn, kind, start)
        return number

    def _remember(self, mrn: str, numbers: Sequence[Number]) -> bool:
        """Whether a number is new to the patient. The last who is said to have one has it."""
        news = False
        for one in numbers:
            row = self._books.row(
                "SELECT mrn FROM numbers WHERE authority = ? AND number = ?", one.authority, one.number
            )
            if row is not None and self.survivor(row["mrn"]) == mrn:
                continue
            news = True
            self._books.do(
                "INSERT OR REPLACE INTO numbers VALUES (?, ?, ?, ?)",
                one.authority,
                one.number,
                mrn,
                one.written,
            )
        return news

    def _keep_lists(self, mrn: str, lists: Mapping[str, Sequence[str]]) -> bool:
        row = self.row(mrn)
        assert row is not None
        before = json.loads(row["lists"])
        after = {**before, **{kind: list(texts) for kind, texts in lists.items()}}
        self._books.do("UPDATE patients SET lists = ? WHERE mrn = ?", json.dumps(after), mrn)
        return bool(after != before)
