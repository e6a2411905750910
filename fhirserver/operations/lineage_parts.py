"""The lineage of a unit as parts of a Parameters resource, and the definitions of these parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fhirserver.interactions.registry import Parameter
from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.operations.moments import AS_OF_INPUT, AS_OF_OUTPUT
from fhirserver.operations.parameters import group, part
from fhirserver.store.lineage import Ruled, Traced, UnitLineage
from fhirserver.world.evidence import Rests, Word
from fhirserver.world.reasons import RULES
from fhirserver.world.units import member_of
from fhirserver.world.voices import last, speaker

Parts = Iterator[JsonObject]


def unit_part(type: str, unit: UnitLineage) -> JsonObject:
    """One unit: what holds, by which rule, and every claim."""
    return group("unit", _unit(type, unit))


def _unit(type: str, unit: UnitLineage) -> Parts:
    yield part("path", "String", path_of(type, unit.unit))
    yield part("unit", "String", unit.unit)
    if unit.win is not None:
        yield value_part(unit.win.claim.value)
        yield part("confidence", "Decimal", unit.win.confidence)
        yield part("source", "String", unit.win.claim.speaker)
    yield part("rule", "Code", unit.rule)
    yield part("because", "String", RULES[unit.rule])
    for source in unit.corroborated:
        yield part("corroboratedBy", "String", source)
    for claim in unit.claims:
        yield group("claim", _claim(type, claim))


def path_of(type: str, unit: str) -> str:
    """``Patient.telecom``: the element that a unit is of."""
    return f"{type}.{member_of(unit).removesuffix('[x]')}"


def value_part(value: Json) -> JsonObject:
    """A unit's value as JSON text, or that it is absent."""
    return (
        part("absent", "Boolean", True) if value is None else part("value", "String", dumps(value).decode())
    )


def _claim(type: str, one: Traced) -> Parts:
    claim, stamp = one.claim, one.claim.stamp
    yield part("role", "Code", one.role)
    yield part("status", "Code", one.status)
    yield part("source", "String", claim.speaker)
    if claim.origin:
        yield part("origin", "String", f"{type}/{last(claim.origin)}")
    yield value_part(claim.value)
    yield part("confidence", "Decimal", claim.confidence)
    if claim.confidence != stamp.confidence:
        yield part("stated", "Decimal", stamp.confidence)
    yield part("recorded", "Instant", stamp.recorded)
    if stamp.effective:
        yield part("effective", "DateTime", stamp.effective)
    if stamp.method:
        yield part("method", "Code", stamp.method)
    if claim.checked:
        yield part("checked", "Code", claim.checked)
    yield part("position", "Integer", stamp.position)
    yield from who_parts(one.word)
    yield part("provenance", "Reference", {"reference": one.word.reference})
    for rests in one.word.rests:
        yield group("evidence", _evidence(rests))
    for ruled in one.rulings:
        yield group("ruling", _ruling(ruled))
    if one.settled is not None:
        yield group(f"{one.status}By", _ruling(one.settled))
    for position, status in one.turns:
        yield group("became", (part("position", "Integer", position), part("status", "Code", status)))


def who_parts(word: Word) -> Parts:
    """Who wrote, by whom it was said, and on whose behalf."""
    if word.principal:
        yield part("principal", "String", word.principal)
    for agent in word.agents:
        yield from _agent(agent)


def _agent(agent: JsonObject) -> Parts:
    for name, member in (("agent", "who"), ("onBehalfOf", "onBehalfOf")):
        if agent.get(member):
            yield part(name, "Reference", agent[member])


def _evidence(rests: Rests) -> Parts:
    if rests.what:
        yield part("what", "Reference", rests.what)
    if rests.turns:
        yield part("turns", "String", ",".join(map(str, rests.turns)))
    for quote in rests.quotes:
        said = (("speaker", quote.speaker), ("text", quote.text))
        yield group(
            "quote",
            (part("turn", "Integer", quote.number), *(part(name, "String", text) for name, text in said)),
        )


def _ruling(ruled: Ruled) -> Parts:
    made, word = ruled.decision, ruled.word
    yield part("kind", "Code", made.kind)
    yield part("by", "String", word.who)
    yield part("source", "String", made.by or speaker(made.source))
    yield part("at", "Instant", made.at or word.recorded)
    if made.reason:
        yield part("reason", "String", made.reason)
    if made.confidence is not None:
        yield part("confidence", "Decimal", made.confidence)
    yield part("position", "Integer", made.position)
    yield part("provenance", "Reference", {"reference": word.reference})


# --- definitions


def _out(
    name: str, type: str, text: str, min: int = 0, max: str = "1", parts: Iterable[Parameter] = ()
) -> Parameter:
    return Parameter(name, type, text, min, max, "out", tuple(parts))


_RULING = (
    _out("kind", "code", "approve, reject, verify, doubt or supersede", 1),
    _out("by", "string", "Who decided", 1),
    _out("source", "string", "As which source", 1),
    _out("at", "instant", "When", 1),
    _out("reason", "string", "Why, where a reason was given"),
    _out("confidence", "decimal", "How sure the claim is by this ruling"),
    _out("position", "integer", "Where in the log", 1),
    _out("provenance", "Reference", "The Provenance of the ruling", 1),
)
_QUOTE = (
    _out("turn", "integer", "Which turn of the conversation", 1),
    _out("speaker", "string", "Who spoke", 1),
    _out("text", "string", "The words", 1),
)
_EVIDENCE = (
    _out("what", "Reference", "What it rests on"),
    _out("turns", "string", "The turns of the conversation"),
    _out("quote", "", "What was said in them", 0, "*", _QUOTE),
)
_BECAME = (
    _out("position", "integer", "From this commit on", 1),
    _out("status", "code", "live, superseded, rejected, replaced, withdrawn or removed", 1),
)
WHO = (
    _out("principal", "string", "Who wrote it"),
    _out("agent", "Reference", "Who is said to have said it", 0, "*"),
    _out("onBehalfOf", "Reference", "On whose behalf", 0, "*"),
)
_CLAIM = (
    _out("role", "code", "wins, agrees, contends or past", 1),
    _out("status", "code", "live, superseded or rejected; of a past one replaced, withdrawn or removed", 1),
    _out("source", "string", "Who says it", 1),
    _out("origin", "string", "The merged resource that it was said of"),
    _out("value", "string", "What is said, as JSON text"),
    _out("absent", "boolean", "That it is stated absent"),
    _out("confidence", "decimal", "How sure it is", 1),
    _out("stated", "decimal", "How sure its source was, where rulings changed that"),
    _out("recorded", "instant", "When it was first said", 1),
    _out("effective", "dateTime", "Since when it holds, where the source said so"),
    _out("method", "code", "How it was said"),
    _out("checked", "code", "What a judge or reviewer found"),
    _out("position", "integer", "Where in the log it was first said", 1),
    *WHO,
    _out("provenance", "Reference", "The Provenance that its confidence rests on", 1),
    _out("evidence", "", "What it rests on", 0, "*", _EVIDENCE),
    _out("ruling", "", "What judges and reviewers said of it", 0, "*", _RULING),
    _out("supersededBy", "", "The ruling or statement that superseded it", parts=_RULING),
    _out("rejectedBy", "", "The ruling that rejected it", parts=_RULING),
    _out("became", "", "Its states in the course of time, with history", 0, "*", _BECAME),
)
_UNITS = (
    _out("path", "string", "The element", 1),
    _out("unit", "string", "The unit's name", 1),
    _out("value", "string", "The value that holds, as JSON text"),
    _out("absent", "boolean", "That there is none"),
    _out("confidence", "decimal", "How sure it is"),
    _out("source", "string", "Whose claim holds"),
    _out("rule", "code", f"Which rule decided: {', '.join(RULES)}", 1),
    _out("because", "string", "The rule in words", 1),
    _out("corroboratedBy", "string", "Another source that says the same", 0, "*"),
    _out("claim", "", "Every claim on the unit, the one that holds first", 1, "*", _CLAIM),
)
PARAMETERS = (
    AS_OF_INPUT,
    Parameter("effective", "dateTime", "Only what was effective by the end of this date or time"),
    Parameter("history", "boolean", "Also the claims that nobody makes any more, and what became of each"),
    Parameter("unit", "string", "Only this unit or path, such as telecom", max="*"),
    AS_OF_OUTPUT,
    _out("unit", "", "One unit of the resource", 0, "*", _UNITS),
)
