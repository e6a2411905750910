"""``Patient/$match``: https://hl7.org/fhir/R4/patient-operation-match.html"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from fhirserver.interactions.bundles import bundle, entry
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.validation import validate
from fhirserver.store.candidates import Candidate, best, candidates
from fhirserver.world.identity.person import person_of
from fhirserver.world.vocabulary import MATCH_EXPLANATION, MATCH_GRADE

_VALUES = {"onlyCertainMatches": "valueBoolean", "count": "valueInteger"}
_NAMES = ("resource", *_VALUES)
_COUNT = 20
"""Matches in an answer to a request without ``count``."""
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """``place`` is where the patient stands in the body."""

    patient: JsonObject | None = None
    place: str = "Patient"
    only_certain: bool = False
    count: int = _COUNT


async def patient_match(context: Context, request: Request) -> Result:
    """A searchset of the patients who may be the one described, each with score, grade and explanation, best first.

    With ``onlyCertainMatches`` it has one patient or none: none also where several are certain.
    """
    asked = _asked(request)
    patient = _described(asked)
    found = await candidates(context.store, patient)
    if asked.only_certain:
        one = best(found)
        found = [one] if one is not None else []
    entries = [_entry(context, one) for one in found[: asked.count]]
    url = f"{context.base_url}/Patient/$match"
    shown = [one.version for one in found[: asked.count]]
    return Result(200, bundle("searchset", entries, [("self", url)], len(entries)), shown=shown)


def _entry(context: Context, candidate: Candidate) -> bytes:
    version, score = candidate.version, candidate.score
    search: JsonObject = {
        "extension": [
            {"url": MATCH_GRADE, "valueCode": score.grade.value},
            {"url": MATCH_EXPLANATION, "valueString": score.explanation},
        ],
        "mode": "match",
        "score": Decimal(f"{score.probability:.4f}"),
    }
    return entry(f"{context.base_url}/Patient/{version.id}", version.content, search=search)


def _asked(request: Request) -> Asked:
    """Read URL and body: a Parameters, or the Patient itself. Raises a refusal (400) for anything else."""
    asked = Asked()
    for name, text in request.params:
        asked = _with(asked, name, _typed(text), f"http.{name[:64]}")
    body = request.json() if request.body else {"resourceType": "Parameters"}
    if body.get("resourceType") == "Patient":
        return replace(asked, patient=body)
    if body.get("resourceType") != "Parameters":
        text = "The body is a Patient, or a Parameters with the parameter 'resource'"
        raise refuse(Category.INVALID, "invalid", text, "resourceType")
    _check(body)
    for number, parameter in enumerate(body.get("parameter", ())):
        place, name = f"Parameters.parameter[{number}]", parameter["name"]
        if name != "resource":
            asked = _with(asked, name, _value(name, parameter, place), place)
        elif asked.patient is not None or "resource" not in parameter:
            raise refuse(
                Category.INVALID, "invalid", "'resource' holds one resource, and is given once", place
            )
        else:
            asked = replace(asked, patient=parameter["resource"], place=f"{place}.resource")
    return asked


def _check(body: JsonObject) -> None:
    issues = [issue for issue in validate(body) if issue.severity in ("error", "fatal")]
    if issues:
        raise Refusal(Category.INVALID, issues)


def _typed(text: str) -> Json:
    """A value of the URL as JSON has it."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _value(name: str, parameter: JsonObject, place: str) -> Json:
    wanted = _VALUES.get(name, "")
    if wanted and wanted not in parameter:
        raise refuse(Category.INVALID, "invalid", f"'{name}' is given as {wanted}", place)
    return parameter.get(wanted)


def _with(asked: Asked, name: str, value: Json, where: str) -> Asked:
    if name == "onlyCertainMatches":
        if not isinstance(value, bool):
            raise refuse(Category.INVALID, "value", "onlyCertainMatches is true or false", where)
        return replace(asked, only_certain=value)
    if name == "count":
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise refuse(Category.INVALID, "value", "count is a whole number from 1", where)
        return replace(asked, count=min(value, _MOST))
    text = f"$match has no parameter '{name[:64]}'; it takes: {', '.join(_NAMES)}"
    raise refuse(Category.INVALID, "not-supported", text, where)


def _described(asked: Asked) -> JsonObject:
    """The patient to look for. Raises a refusal (400, 422) where there is none, or nothing to go by."""
    if asked.patient is None:
        text = "A Patient to match is needed: as the body, or as the parameter 'resource'"
        raise refuse(Category.INVALID, "required", text, "Parameters.parameter.where(name='resource')")
    if asked.patient.get("resourceType") != "Patient":
        text = "Only a Patient can be matched here"
        raise refuse(Category.UNPROCESSABLE, "invalid", text, f"{asked.place}.resourceType")
    if asked.place == "Patient":
        _check(asked.patient)
    if person_of(asked.patient).is_blank:
        text = "Nothing to match by: give an identifier, a name, a birth date, a phone number or an address"
        raise refuse(Category.UNPROCESSABLE, "required", text, asked.place)
    return asked.patient
