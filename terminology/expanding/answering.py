"""``ValueSet/$expand`` asked with the parameters of a request."""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.terminology import Question
from terminology.expanding.expansion import expand
from terminology.expanding.options import read_options
from terminology.expanding.refusals import unknown_value_set
from terminology.library import RequestLibrary
from terminology.versions import joined, split


def expansion(library: RequestLibrary, question: Question, limit: int) -> JsonObject:
    """The value set with its expansion."""
    value_set, canonical = value_set_of(library, question)
    options = read_options(question.given, question.language, value_set)
    return expand(value_set, library, options, limit, canonical)


def value_set_of(library: RequestLibrary, question: Question) -> tuple[JsonObject, str]:
    """The value set of the instance, the one given as ``valueSet``, or the one named by ``url``; and by what it was
    found (empty where it was given)."""
    if question.instance:
        return _known(library, question.instance), question.instance
    inline = [one for one in question.given.get("valueSet", ()) if isinstance(one, dict)]
    if len(inline) > 1:
        raise refuse(Category.INVALID, "invalid", "'valueSet' may be given once", _at("valueSet"))
    if inline:
        if inline[0].get("resourceType") != "ValueSet":
            raise refuse(Category.INVALID, "invalid", "'valueSet' is a ValueSet", _at("valueSet"))
        return inline[0], ""
    named = [str(one) for one in question.given.get("url", ())]
    if len(named) != 1:
        text = "'url' may be given once" if named else "The value set is needed: as 'url' or as 'valueSet'"
        raise refuse(Category.INVALID, "invalid" if named else "required", text, _at("url"))
    version = next((str(one) for one in question.given.get("valueSetVersion", ())), "")
    url, own = split(named[0])
    canonical = joined(url, version) if version and not own else named[0]
    return _known(library, canonical), canonical


def _known(library: RequestLibrary, canonical: str) -> JsonObject:
    found = library.value_set(canonical)
    if found is None:
        raise unknown_value_set(canonical)
    return found


def _at(name: str) -> str:
    return f"Parameters.parameter.where(name='{name}')"
