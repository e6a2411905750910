"""``ConceptMap/$translate``: https://hl7.org/fhir/R4/conceptmap-operation-translate.html"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.concept_map_question import R5_REVERSE, question_of
from fhirserver.operations.parameters import group, inputs, parameters, part
from fhirserver.ports.concept_maps import Match

_LARGE = 256 * 1024


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
    back = any(name in given for name in R5_REVERSE)
    message = found.message
    if found.is_out_of_scope:
        message = f"{message}: {', '.join(str(one.get('code', '')) for one in question.codings)}"
    answer = [part("result", "Boolean", found.result)]
    if message:
        answer.append(part("message", "String", message))
    matches = [group("match", _match(one, back)) for one in found.matches]
    used = [part("used-conceptmap", "Uri", one) for one in found.used]
    return Result(200, parameters([*answer, *matches, *used]))


def _match(match: Match, back: bool) -> Iterator[JsonObject]:
    """As R4 has it, with what the terminology ecosystem adds: ``originMap``, ``sourceConcept``, comments, and ``noMap``
    for a code that the map says to have no translation. Of a code that was asked for as a target, in R5's words,
    ``concept`` is the target all the same, and ``sourceConcept`` what it comes from."""
    is_none = match.concept is None
    concept, source = (_bare(match.coding), match.concept) if back else (match.concept, _bare(match.coding))
    if is_none:
        yield part("noMap", "Boolean", True)
    else:
        yield part("equivalence", "Code", inverse(match.equivalence) if back else match.equivalence)
        yield part("concept", "Coding", concept)
    for element, value in match.products:
        yield group("product", (part("element", "Uri", element), part("concept", "Coding", value)))
    if match.map:  # a canonical is a uri, which is what R4 says of ``source``
        yield part("source", "Canonical", match.map)
        yield part("originMap", "Canonical", match.map)
    if source is not None:
        yield part("sourceConcept", "Coding", source)
    for name, comment in (("sourceComment", match.source_comment), ("targetComment", match.target_comment)):
        if comment:
            yield part(name, "String", comment)


_TURNED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}


def inverse(equivalence: str) -> str:
    """Back to what the map says, from its source to its target."""
    return _TURNED.get(equivalence, equivalence)


def _bare(coding: JsonObject) -> JsonObject:
    return {name: coding[name] for name in ("system", "version", "code", "display") if coding.get(name)}
