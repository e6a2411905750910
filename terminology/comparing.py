"""``ValueSet/$compare``, how the codes of two value sets stand to each other; first called ``$related``.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.terminology import Question
from terminology.expanding.composing import Composed, Composer
from terminology.expanding.members import Members, Numbered
from terminology.expanding.refusals import unknown_value_set
from terminology.library import RequestLibrary
from terminology.versions import joined, split

_WORDS = {
    "same": "The value sets {this} and {other} contain the same codes",
    "superset": "The valueSet {this} is a super-set of the valueSet {other}",
    "subset": "The valueSet {this} is a sub-set of the valueSet {other}",
    "overlapping": "Both value sets {this} and {other} contain the codes the other doesn't, but there is some overlap",
    "disjoint": "No shared codes between the value sets {this} and {other}",
    "indeterminate": "Unable to compare {this} and {other}: ",
}


def compared(library: RequestLibrary, question: Question, limit: int) -> JsonObject:
    """Parameters with the ``result`` (``same``, ``superset``, ``subset``, ``overlapping``, ``disjoint``; or
    ``indeterminate`` where it cannot be told) and a ``message``. Refuses value sets that are not given or not known."""
    this = _known(library, question.instance) if question.instance else _value_set(library, question, "this")
    other = _value_set(library, question, "other")
    for one in (this, other):
        if "compose" not in one:
            return _told("indeterminate", f"The ValueSet {_name(one)} has no compose")
    try:
        result, why = _compare(_composed(library, this), _composed(library, other)), ""
    except Refusal as refusal:
        result, why = "indeterminate", refusal.issues[0].diagnostics
    return _told(result, _WORDS[result].format(this=_name(this), other=_name(other)) + why)


def _told(result: str, message: str) -> JsonObject:
    parameters = [{"name": "result", "valueCode": result}, {"name": "message", "valueString": message}]
    return {"resourceType": "Parameters", "parameter": parameters}


def _compare(this: Composed, other: Composed) -> str:
    if not _any(this, other, lambda part, others: part.within(others)):
        return "disjoint"
    has_more = _any(this, other, lambda part, others: part.without(others))
    lacks = _any(other, this, lambda part, others: part.without(others))
    return {(False, False): "same", (True, False): "superset", (False, True): "subset"}.get(
        (has_more, lacks), "overlapping"
    )


def _any(left: Composed, right: Composed, keep: Callable[[Members, Sequence[Members]], Members]) -> bool:
    return any(
        len(keep(part, [one for one in right.parts if _are_alike(part, one)])) > 0 for part in left.parts
    )


def _are_alike(one: Members, other: Members) -> bool:
    """Whether a code means the same in both: in another version, too, unless the system says that versions matter."""
    if not isinstance(one, Numbered) or not isinstance(other, Numbered):
        return True
    return not one.system.header.get("versionNeeded") or one.system.version == other.system.version


def _composed(library: RequestLibrary, value_set: JsonObject) -> Composed:
    return Composer(library.with_supplements(value_set)).compose(value_set)


def _value_set(library: RequestLibrary, question: Question, side: str) -> JsonObject:
    """That given as ``thisValueSet``, or named by ``thisUrl``; or ``other…``."""
    inline = _one(question, f"{side}ValueSet")
    if isinstance(inline, dict):
        return inline
    url = str(_one(question, f"{side}Url") or "")
    if not url:
        text = f"Must provide either a {side}ValueSet resource or a {side}Url parameter"
        raise refuse(Category.INVALID, "invalid", text, f"Parameters.parameter.where(name='{side}Url')")
    version = str(_one(question, "valueSetVersion") or "")
    return _known(library, url if split(url)[1] else joined(url, version))


def _known(library: RequestLibrary, canonical: str) -> JsonObject:
    found = library.value_set(canonical)
    if found is None:
        raise unknown_value_set(canonical)
    return found


def _one(question: Question, name: str) -> Json:
    return next(iter(question.given.get(name, ())), None)


def _name(value_set: JsonObject) -> str:
    return joined(str(value_set.get("url", "")), str(value_set.get("version", "")))
