"""``ConceptMap/$translate``: https://hl7.org/fhir/R4/conceptmap-operation-translate.html"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.concept_map_question import R5_REVERSE, is_r5, question_of
from fhirserver.operations.parameters import group, inputs, parameters, part
from fhirserver.ports.concept_maps import Match, Translation

_LARGE = 256 * 1024
_RELATIONSHIP = {
    "equal": "equivalent",
    "equivalent": "equivalent",
    "wider": "source-is-narrower-than-target",
    "subsumes": "source-is-narrower-than-target",
    "narrower": "source-is-broader-than-target",
    "specializes": "source-is-broader-than-target",
    "unmatched": "not-related-to",
    "disjoint": "not-related-to",
}
"""R5's word for each of R4's. https://hl7.org/fhir/R5/valueset-concept-map-relationship.html"""


async def concept_map_translate(context: Context, request: Request) -> Result:
    """Whether a code can be translated, and into what: ``result``, ``message``, and a ``match`` for each."""
    if context.concept_maps is None:
        raise refuse(Category.NOT_SUPPORTED, "not-supported", "This server has no terminology service")
    await context.conformance.catch_up()
    given = await context.work.done(lambda: inputs(request), aside=len(request.body or b"") > _LARGE)
    maps, question = context.concept_maps, await question_of(context, request, given)
    if context.terminology is not None and context.terminology.waits:
        found = await asyncio.to_thread(maps.translate, question)
    else:
        found = await context.work.done(lambda: maps.translate(question))
    if not is_r5(given):
        return _answer(found, [group("match", _match(one)) for one in found.matches])
    back = any(name in given for name in R5_REVERSE)
    return _answer(found, [group("match", _r5_match(one, back)) for one in found.matches])


def _answer(found: Translation, matches: list[JsonObject]) -> Result:
    answer = [part("result", "Boolean", found.result)]
    if found.message:
        answer.append(part("message", "String", found.message))
    return Result(200, parameters([*answer, *matches]))


def _match(match: Match) -> Iterator[JsonObject]:
    yield part("equivalence", "Code", match.equivalence)
    if match.concept is not None:
        yield part("concept", "Coding", match.concept)
    for element, concept in match.products:
        yield group("product", (part("element", "Uri", element), part("concept", "Coding", concept)))
    if match.map:
        yield part("source", "Uri", match.map)


def _r5_match(match: Match, back: bool) -> Iterator[JsonObject]:
    """As R5 has it. Of a code that was translated back, ``concept`` is the target and ``source`` what it comes from,
    as the tests of the terminology ecosystem have it."""
    relationship = _RELATIONSHIP.get(match.equivalence, "related-to")
    if back:
        relationship = _turned(relationship)
    yield part("relationship", "Code", relationship)
    concept, source = (_bare(match.coding), match.concept) if back else (match.concept, None)
    if concept is not None:
        yield part("concept", "Coding", concept)
    for element, value in match.products:
        yield group("product", (part("attribute", "Uri", element), part("value", "Coding", value)))
    if match.map:
        yield part("originMap", "Canonical", match.map)
    if source is not None:
        yield part("source", "Coding", source)


def _turned(relationship: str) -> str:
    """Back to what the map says, from its source to its target."""
    words = ("source-is-narrower-than-target", "source-is-broader-than-target")
    return words[1 - words.index(relationship)] if relationship in words else relationship


def _bare(coding: JsonObject) -> JsonObject:
    return {name: coding[name] for name in ("system", "version", "code", "display") if coding.get(name)}
