"""``[type]/[id]/$story``: the story of one value, from its first mention to the EHR, step by step."""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.lineage_parts import path_of
from fhirserver.operations.moments import AS_OF_INPUT, AS_OF_OUTPUT, as_of, moment_given
from fhirserver.operations.parameters import group, inputs, parameters, part
from fhirserver.ports.storage import Key
from fhirserver.store.as_of import latest
from fhirserver.store.lineage import names_unit
from fhirserver.store.story import Story, stories
from fhirserver.world.story import KINDS, Step
from fhirserver.world.vocabulary import BASE


async def tell(context: Context, request: Request) -> Result:
    """Parameters with one ``story`` for each unit that ``unit`` or ``path`` names, also of a deleted resource."""
    given = inputs(request)
    names = [str(name) for name in (*given.get("unit", ()), *given.get("path", ()))]
    if not names:
        text = "$story needs the unit or path whose story is to be told; $lineage names the units"
        raise refuse(Category.INVALID, "required", text, "http.unit")
    at = await moment_given(context, given)
    key = Key(request.type, request.id)
    told = await stories(context.store, key, at or await latest(context.store), names_unit(key.type, names))
    if not told:
        text = f"Nothing was claimed about such a unit of {key}"
        raise refuse(Category.NOT_FOUND, "not-found", text, f"http.{'unit' if given.get('unit') else 'path'}")
    heads = [as_of(at)] if at else []
    return Result(200, parameters([*heads, *(_story(key.type, one) for one in told)]))


def _story(type: str, told: Story) -> JsonObject:
    head = (part("unit", "String", told.unit), part("path", "String", path_of(type, told.unit)))
    return group("story", (*head, *(group("step", _step(step)) for step in told.steps)))


def _step(step: Step) -> Iterator[JsonObject]:
    yield part("kind", "Code", step.kind)
    yield part("at", "Instant", step.at)
    yield part("position", "Integer", step.position)
    yield part("text", "String", step.text)
    if step.who:
        yield part("who", "String", step.who)
    yield part("provenance", "Reference", {"reference": step.provenance})
    if step.reference:
        yield part("about", "Reference", {"reference": step.reference})


def _out(name: str, type: str, text: str, min: int = 1, max: str = "1", *parts: Parameter) -> Parameter:
    return Parameter(name, type, text, min, max, "out", parts)


_STEP = (
    _out("kind", "code", f"What happened: {', '.join(KINDS)}"),
    _out("at", "instant", "When"),
    _out(
        "position", "integer", "The commit of the log; of something said, that of the claim that rests on it"
    ),
    _out("text", "string", "What happened, for people"),
    _out("who", "string", "Who did it", 0),
    _out("provenance", "Reference", "The Provenance of the commit"),
    _out("about", "Reference", "The conversation or Task that the step is about", 0),
)
STORY = Operation(
    "story",
    "instance",
    ("*",),
    "read",
    tell,
    f"{BASE}/OperationDefinition/story",
    description="One value from first mention to EHR: claims, judge, review, what made it hold, writeback, echo.",
    parameters=(
        Parameter("unit", "string", "The unit, as $lineage names it", max="*"),
        Parameter("path", "string", "The element, such as Patient.telecom: all its units", max="*"),
        AS_OF_INPUT,
        AS_OF_OUTPUT,
        _out(
            "story",
            "",
            "One unit's story",
            1,
            "*",
            _out("unit", "string", "The unit's name"),
            _out("path", "string", "The element"),
            _out("step", "", "One step; they are in order", 1, "*", *_STEP),
        ),
    ),
)
