"""What a patient's chart is read by: one table in order of patient, code and date.

A resource with a patient and a single date stands in it once for each code and once without ("" as code), so
that the latest of this code for this patient is one seek, however long the chart and however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from fhirserver.model.definitions import definitions
from fhirserver.search.expression import DateIs, Expression, Query, ReferenceIs, TokenIs
from fhirserver.search.routes import is_single
from fhirserver.search.values import BEGIN, DateValue, IndexValue, ReferenceValue, TokenValue
from fhirserver.storage.sqlite.index_render import Rendering, Source, Sql, both
from fhirserver.storage.sqlite.index_tables import Numbers, Table

TIMELINE: Final = Table(
    "search_timeline", ("param", "target", "code", "low", "pk", "system", "high"), "low", indexed=False
)
UNDATED: Final = BEGIN - 1
"""The low and high of a resource without a date: before all others."""


class Timeline(NamedTuple):
    """Of a resource type: the parameters that mean its patient, and whether it has codes."""

    patients: tuple[str, ...]
    filtered: bool
    coded: bool


@lru_cache(maxsize=256)
def timeline(type_name: str) -> Timeline | None:
    """The timeline of a type that has a ``patient`` and a ``date`` of which a resource has one at most."""
    parameters = definitions().search_parameters(type_name)
    patient, date, code = (parameters.get(name) for name in ("patient", "date", "code"))
    if patient is None or date is None or patient.type != "reference" or date.type != "date":
        return None
    if not is_single(type_name, "date"):
        return None
    subject = parameters.get("subject")
    only_patients = " is Patient)" in patient.expression
    same = subject is not None and patient.expression == f"{subject.expression}.where(resolve() is Patient)"
    return Timeline(
        ("patient", "subject") if same else ("patient",),
        only_patients,
        code is not None and code.type == "token",
    )


def timeline_rows(
    numbers: Numbers, type_name: str, pk: int, values: Iterable[IndexValue]
) -> Iterator[tuple[Any, ...]]:
    """The rows of one resource."""
    known = timeline(type_name)
    if known is None:
        return
    patients, dates, codes = _of_interest(values)
    if not patients:
        return
    param = numbers.params(type_name)["patient"]
    tokens = [("", 0)]
    if known.coded:
        tokens += [(t.code, numbers.systems[t.system]) for t in codes if t.code]
    low, high = dates[0][1:] if dates else (UNDATED, UNDATED)
    for patient in patients:
        for code, system in tokens:
            yield param, patient.target, code, low, pk, system, high


def _of_interest(
    values: Iterable[IndexValue],
) -> tuple[list[ReferenceValue], list[DateValue], list[TokenValue]]:
    patients: list[ReferenceValue] = []
    dates: list[DateValue] = []
    codes: list[TokenValue] = []
    for value in values:
        param = value[0]
        if param == "patient" and isinstance(value, ReferenceValue) and value.type == "Patient":
            patients.append(value)
        elif param == "date" and isinstance(value, DateValue):
            dates.append(value)
        elif param == "code" and isinstance(value, TokenValue):
            codes.append(value)
    return patients, dates, codes


@dataclass(frozen=True, slots=True)
class Chart:
    """The part of the timeline that a query asks for; ``others`` are the predicates left to test."""

    source: Source
    others: tuple[Expression, ...]
    dated: bool
    by_date: bool


def chart(rendering: Rendering, query: Query, of: tuple[Expression, ...]) -> Chart | None:
    """The chart for a query about one patient, if its code is given or its order is by date."""
    known = timeline(query.type)
    if known is None:
        return None
    patient = next((e for e in of if isinstance(e, ReferenceIs) and _is_patient(known, e)), None)
    if not isinstance(patient, ReferenceIs):
        return None
    code = next(
        (e for e in of if known.coded and isinstance(e, TokenIs) and e.param == "code" and e.code), None
    )
    sorts = query.sort
    by_date = len(sorts) == 1 and sorts[0].param == "date"
    if code is None and not by_date:
        return None
    dates = [e for e in of if isinstance(e, DateIs) and e.param == "date"]
    source = _source(rendering, query.type, patient, code, dates)
    used = [patient, code, *dates]
    others = tuple(e for e in of if not any(e is u for u in used))
    return Chart(source, others, bool(dates), by_date and (bool(dates) or sorts[0].descending))


def _is_code(predicate: TokenIs) -> bool:
    return predicate.param == "code" and bool(predicate.code)


def _is_patient(known: Timeline, predicate: ReferenceIs) -> bool:
    if predicate.param not in known.patients:
        return False
    return predicate.type == "Patient" or (
        predicate.type is None and known.filtered and predicate.param == "patient"
    )


def _source(
    rendering: Rendering, type_name: str, patient: ReferenceIs, code: TokenIs | None, dates: list[DateIs]
) -> Source:
    param = rendering.param(type_name, "patient")
    tests: list[Sql] = [("d.param = ? AND d.target = ?", (param, patient.target))]
    tests.append(("d.code = ''", ()) if code is None else rendering.row(code, "d"))
    if dates:
        tests.append((f"d.low > {UNDATED}", ()))
        tests += [rendering.row(date, "d") for date in dates]
    once = code is None or code.system is not None
    return Source(("search_timeline d", ()), both(*tests), "d.pk", once, 0)


def read_chart(rendering: Rendering, query: Query, found: Chart, limit: int) -> tuple[str, tuple[Any, ...]]:
    """The statement that reads a chart by date: numbers and dates, those without a date last."""
    way, beyond = ("DESC", "<") if query.sort[0].descending else ("ASC", ">")
    after: Sql = ("1", ())
    if query.cursor is not None:
        last = query.cursor.keys[0]
        after = f"(d.low, d.pk) {beyond} (?, ?)", (UNDATED if last is None else last, query.cursor.tie)
    source = found.source
    where = both(source.where, after, *(rendering.test(query.type, e, "d.pk") for e in found.others))
    key = "d.low" if found.dated else f"nullif(d.low, {UNDATED})"
    distinct = "" if source.ordered else "DISTINCT "
    text = (
        f"SELECT {distinct}d.pk AS pk, {key} FROM search_timeline d "  # noqa: S608
        f"WHERE {where[0]} ORDER BY d.low {way}, d.pk {way} LIMIT ?"
    )
    return text, (*where[1], limit)
