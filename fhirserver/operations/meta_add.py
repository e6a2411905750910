"""``$meta-add``: https://hl7.org/fhir/R4/resource-operation-meta-add.html"""

from __future__ import annotations

from collections.abc import Callable

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import if_match
from fhirserver.interactions.reserved import refuse_reserved
from fhirserver.interactions.statement import statement_of
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.operations.meta import meta_result
from fhirserver.store.commands import Amend, Command
from fhirserver.world.vocabulary import VERIFICATION_STATUS

LABELS = ("profile", "security", "tag")
Labels = dict[str, list[Json]]
"""Profiles (urls), security labels and tags (Codings)."""


async def meta_add(context: Context, request: Request) -> Result:
    """Add labels to a resource, each once; answers with its meta. A label that is there stays as it is."""
    labels = given_labels(request)
    return await relabel(context, request, lambda meta: with_labels(meta, labels), labels, True)


def with_labels(meta: JsonObject, labels: Labels) -> JsonObject:
    """A meta with labels added."""
    changed = dict(meta)
    for name, wanted in labels.items():
        kept = list(meta.get(name, ()))
        known = {identity(label) for label in kept}
        for label in wanted:
            if identity(label) not in known:
                known.add(identity(label))
                kept.append(label)
        changed[name] = kept
    return changed


def identity(label: Json) -> tuple[str, ...]:
    """What makes two labels one: the whole URL of a profile, system and code of a Coding."""
    if isinstance(label, dict):
        return (str(label.get("system", "")), str(label.get("code", "")))
    return (str(label),)


def given_labels(request: Request) -> Labels:
    """The labels of the input ``meta``. Raises a refusal (400) where there is not exactly one Meta."""
    body = request.json() if request.body else {}
    found = [one for one in enumerate(body.get("parameter", ())) if one[1].get("name") == "meta"]
    stray = [name for name, _ in request.params]
    if len(found) != 1 or stray:
        text = "'meta' is given once, in a Parameters resource"
        raise refuse(Category.INVALID, "required", text, "Parameters.parameter.where(name='meta')")
    number, parameter = found[0]
    meta = parameter.get("valueMeta")
    if not isinstance(meta, dict):
        text = "'meta' is a Meta: give it as valueMeta"
        raise refuse(Category.INVALID, "value", text, f"Parameters.parameter[{number}].value")
    return {name: _labels(meta, name, f"Parameters.parameter[{number}]") for name in LABELS if name in meta}


def _labels(meta: JsonObject, name: str, where: str) -> list[Json]:
    """The labels under one name, without the server's own. One without identity could never be found again."""
    for number, label in enumerate(meta[name]):
        if not any(identity(label)) or label is None:
            path = f"{where}.value.ofType(Meta).{name}[{number}]"
            raise refuse(Category.INVALID, "required", "A label has a code", path)
    return [
        label
        for label in meta[name]
        if not (isinstance(label, dict) and label.get("system") == VERIFICATION_STATUS)
    ]


async def relabel(
    context: Context,
    request: Request,
    change: Callable[[JsonObject], JsonObject],
    labels: Labels,
    present: bool,
) -> Result:
    """Commit another meta and answer with it. ``X-Held`` says where others' surer claims still hold."""
    statement = statement_of(request.principal, request.headers.get("x-provenance"))
    await refuse_reserved(context, request.type, request.id)

    def changed(resource: JsonObject) -> JsonObject:
        meta = {name: value for name, value in change(resource.get("meta", {})).items() if value != []}
        rest = {name: value for name, value in resource.items() if name != "meta"}
        return {**rest, "meta": meta} if meta else rest

    amend = Amend(request.type, request.id, changed, if_match(request.headers.get("if-match")))
    try:
        outcome = await context.store.submit(Command(statement, (amend,)))
    except Refusal as refusal:
        refusal.write = None
        raise
    version = outcome.results[0].version
    assert version is not None
    result = meta_result(version)
    if not _holds(loads(version.content).get("meta", {}), labels, present):
        result.headers["X-Held"] = f"{request.type}.meta"
    result.version = version
    return result


def _holds(meta: JsonObject, labels: Labels, present: bool) -> bool:
    """Whether all the labels are in a meta, or none of them is."""
    there = {(name, identity(label)) for name in LABELS for label in meta.get(name, ())}
    asked = {(name, identity(label)) for name, wanted in labels.items() for label in wanted}
    return asked <= there if present else not asked & there
