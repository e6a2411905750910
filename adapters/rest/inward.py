"""A vendor's record as FHIR R4, element by element."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from adapters.rest.expressions import Evaluator, Expression, Scope, Unmappable, plain, prune
from adapters.rest.mapping import Element, Id, MappingFile, Resource
from fhirserver.kernel.json import Json, JsonObject, canonical
from fhirserver.ports.ehr import Record

UNMAPPABLE = "unmappable"
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")
_PART = re.compile(r"[A-Za-z0-9\-]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Made:
    """One element of a resource that an expression made; ``value`` None says that it made nothing."""

    element: Element
    value: Json = field(repr=False)


class Inward:
    """Maps records of one vendor. ``settings`` are the connector's."""

    def __init__(self, mapping: MappingFile, evaluator: Evaluator, settings: JsonObject):
        self.mapping, self.evaluator, self.settings = mapping, evaluator, settings

    def scope(self, **more: Json) -> Scope:
        """What expressions see beside the record, under ``_settings`` and the like."""
        return {"_settings": self.settings, **{f"_{name}": value for name, value in more.items()}}

    def says(self, expression: Expression | None, record: Json, scope: Scope) -> bool:
        """Whether an expression holds of a record; False where there is none."""
        if expression is None:
            return False
        return self.evaluator.value(expression, record, scope) not in (None, False, "", [], {})

    def id(self, id: Id, record: Json, scope: Scope) -> str:
        """The record's id. Raises :class:`Unmappable` where it has none that FHIR can hold."""
        parts = [self.evaluator.text(expression, record, scope) for expression in id.values()]
        pattern = _ID if len(parts) == 1 else _PART
        joined = ".".join(parts)
        if not all(pattern.match(part) for part in parts) or not _ID.match(joined):
            raise Unmappable(f"{next(iter(id.values())).place}: no id")
        return joined

    def split(self, resource: Resource, id: str) -> Json:
        """The id as templates see it: text, or the parts of a composite one by name."""
        if len(resource.id) == 1:
            return id
        parts = id.split(".")
        if len(parts) != len(resource.id):
            raise Unmappable(f"resources.{resource.type}.id: an id of another form")
        return dict(zip(resource.id, parts, strict=True))

    def elements(self, resource: Resource, record: Json, scope: Scope) -> Iterator[Made]:
        """What each expression makes of the record.

        One that fails makes something that no FHIR element can be: the record is then shown with the place by whoever
        takes it in, and the others are not held up.
        """
        for element in resource.elements:
            try:
                value = prune(self.evaluator.value(element.expression, record, scope))
            except Unmappable as error:
                value = {UNMAPPABLE: str(error)}
            yield Made(element, value)

    def content(self, resource: Resource, record: Json, scope: Scope) -> JsonObject:
        """The FHIR resource, without id."""
        return assemble(resource.type, list(self.elements(resource, record, scope)))

    def record(self, resource: Resource, record: Json, scope: Scope, id: str = "") -> Record:
        """The record as the port has it. ``id``: what it is known by, where that is another's.

        The version is a digest of what the mapping makes of it: it changes when, and only when, that does.
        """
        id = id or self.id(resource.id, record, scope)
        updated = self._updated(resource, record, scope)
        if self.says(resource.deleted, record, scope):
            return Record(resource.type, id, "deleted", updated, {}, deleted=True)
        content = self.content(resource, record, scope)
        digest = hashlib.sha256(canonical(content)).hexdigest()[:15]
        return Record(resource.type, id, f"v{digest}", updated, {**content, "id": id})

    def _updated(self, resource: Resource, record: Json, scope: Scope) -> str:
        if resource.updated is None:
            return ""
        return plain(self.evaluator.value(resource.updated, record, scope))

    def parts(self, resource: Resource, record: Json, scope: Scope) -> list[Json]:
        """The records of ``resource`` that are within a record."""
        if resource.within is None:
            return []
        found = self.evaluator.value(resource.within.at, record, scope)
        return found if isinstance(found, list) else [found] if found is not None else []


def assemble(type: str, made: Sequence[Made]) -> JsonObject:
    """Put elements together.

    An object of whose expressions only the fixed ones made something says nothing: it is left out.
    """
    root: JsonObject = {"resourceType": type}
    asked: set[tuple[str | int, ...]] = set()
    told: set[tuple[str | int, ...]] = set()
    for one in made:
        if not one.element.expression.is_literal:
            asked.update(_holders(one.element.steps))
            told.update(_holders(one.element.steps) if one.value is not None else ())
        if one.value is not None:
            _place(root, one.element.steps, one.value)
    for holder in sorted(asked - told, key=len):
        if _is_there(root, holder):
            _place(root, holder, None)
    kept = prune(root)
    return kept if isinstance(kept, dict) else {"resourceType": type}


def _holders(steps: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    """The objects and lists, from the outermost, that an element stands in; the resource itself is none of them."""
    return [steps[:length] for length in range(1, len(steps))]


def _is_there(root: Json, steps: tuple[str | int, ...]) -> bool:
    here = root
    for step in steps:
        if isinstance(here, dict) and isinstance(step, str):
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            return False
    return here is not None


def _place(root: JsonObject, steps: tuple[str | int, ...], value: Json) -> None:
    here: Json = root
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        inner: Json = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(here, list) and isinstance(step, int):
            here.extend([None] * (step + 1 - len(here)))
            if following is None or here[step] is None:
                here[step] = inner
            here = here[step]
        elif isinstance(here, dict) and isinstance(step, str):
            if following is None or here.get(step) is None:
                here[step] = inner
            here = here[step]
        else:
            return
