"""``Task/[id]/$hints``: how the claims of an item can be corrected, from the definitions of their elements."""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.definitions import Binding
from fhirserver.operations.parameters import group, parameters, part
from fhirserver.operations.task_review import path_of, the_item
from fhirserver.ports.terminology import Concept
from fhirserver.world.hints import Hint, hints
from fhirserver.world.review import CLAIMS, ReviewClaim
from fhirserver.world.units import member_of

CODES = 50
"""Codes of a binding that are told; ``total`` says how many there are."""


async def task_hints(context: Context, request: Request) -> Result:
    """Parameters with one ``claim`` per claim that waits: unit, path, what a correction starts from, ``element``s."""
    item = (await the_item(context, request)).item
    if item.kind != CLAIMS:
        text = f"$hints is not for items of the kind '{item.kind}': there is no value to correct"
        raise refuse(Category.UNPROCESSABLE, "not-supported", text, "Task.code")
    await context.conformance.catch_up()
    claims = [_claim(context, item.focus[0], path_of(item, claim.unit), claim) for claim in item.claims]
    return Result(200, parameters(claims))


def _claim(context: Context, type: str, path: str, claim: ReviewClaim) -> JsonObject:
    found = hints(type, member_of(claim.unit))
    head: list[JsonObject | None] = [
        part("unit", "String", claim.unit),
        part("path", "String", path),
        part("source", "String", claim.source),
        part("start", "String", dumps(_start(claim, found)).decode()),
    ]
    return group("claim", [*head, *(_element(context, hint) for hint in found)])


def _start(claim: ReviewClaim, found: Iterable[Hint]) -> Json:
    """What a correction starts from: what is proposed, or an example where that is absence."""
    member = member_of(claim.unit)
    if claim.proposed is None:
        return next((hint.example for hint in found), {member: None})
    return {member: claim.proposed} if isinstance(claim.proposed, list) else claim.proposed


def _element(context: Context, hint: Hint) -> JsonObject:
    return group(
        "element",
        [
            part("member", "String", hint.member),
            part("type", "Code", hint.type),
            part("min", "UnsignedInt", hint.min),
            part("max", "String", hint.max),
            *(part("target", "Code", target) for target in hint.targets),
            part("format", "String", hint.format) if hint.format else None,
            part("example", "String", dumps(hint.example).decode()),
            *_binding(context, hint.binding),
        ],
    )


def _binding(context: Context, binding: Binding | None) -> Iterable[JsonObject]:
    """The value set and its strength, and of one that is known here the first of its codes."""
    if binding is None or not binding.value_set:
        return ()
    parts: list[JsonObject | None] = [
        part("strength", "Code", binding.strength),
        part("valueSet", "Canonical", binding.value_set),
    ]
    total, concepts = _codes(context, binding)
    if concepts:
        parts.append(part("total", "UnsignedInt", total))
    return (group("binding", [*parts, *(part("code", "Coding", _coding(one)) for one in concepts)]),)


def _codes(context: Context, binding: Binding) -> tuple[int, tuple[Concept, ...]]:
    """How many codes there are and the first of them; none where the terminology does not know the value set."""
    if context.terminology is None or binding.strength not in ("required", "extensible"):
        return 0, ()
    try:
        expansion = context.terminology.expand(binding.value_set, count=CODES)
    except Refusal:
        return 0, ()
    return expansion.total, expansion.concepts


def _coding(concept: Concept) -> JsonObject:
    coding = {"system": concept.system, "code": concept.code, "display": concept.display}
    return {name: value for name, value in coding.items() if value}
