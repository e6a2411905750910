"""From a type's definition to its check: each type is compiled once, when it is first met."""

from __future__ import annotations

from collections.abc import Mapping

from fhirserver.kernel.json import Json
from fhirserver.model.definitions import ElementDef, TypeDef, definitions
from fhirserver.model.validation import elements as checks
from fhirserver.model.validation.elements import ElementCheck, ObjectCheck
from fhirserver.model.validation.objects import Shape, object_check, shape_of
from fhirserver.model.validation.primitives import Predicate, Remembering, predicate
from fhirserver.model.validation.references import target_check
from fhirserver.model.validation.rules import RULES


class Compiler:
    """Holds the checks compiled so far. Not safe between threads: the caller locks."""

    def __init__(self, resource: ObjectCheck, contained: ObjectCheck):
        self._resource = resource
        self._contained = contained
        self._checks: dict[str, ObjectCheck] = {}
        self._predicates: dict[str, Predicate] = {}

    def check(self, type_name: str) -> ObjectCheck:
        """The check of a resource type, datatype or backbone."""
        if type_name not in self._checks:
            definition = definitions().type(type_name)
            if definition is None:
                raise LookupError(f"{type_name} is not a type of R4")
            self._compile(definition)
        return self._checks[type_name]

    def _compile(self, definition: TypeDef) -> None:
        names = {e.json_name: e for e in definition.elements.values() if may_have_sibling(e, definition)}
        shape = shape_of(definition, frozenset(names), RULES.get(definition.name))
        self._checks[definition.name] = object_check(shape)
        if definition.kind == "resource":
            shape.checks["resourceType"] = checks.no_check
        for element in definition.elements.values():
            shape.checks[element.json_name] = self._element(element, shape)
        for element in names.values():
            shape.checks[f"_{element.json_name}"] = self._sibling(element)

    def _element(self, element: ElementDef, shape: Shape) -> ElementCheck:
        name = place_name(element)
        if is_primitive(element.type):
            return self._primitive(element, name, shape)
        inner = self._inner(element)
        return checks.object_list(name, inner) if element.is_list else checks.single_object(name, inner)

    def _inner(self, element: ElementDef) -> ObjectCheck:
        if element.type == "Resource":
            return self._contained if element.name == "contained" else self._resource
        inner = self.check(element.type)
        if element.type == "Reference":
            return checks.pointing(inner, target_check(element.targets))
        codes = required_codes(element)
        if codes is not None and element.type in ("Coding", "CodeableConcept"):
            return checks.coded(inner, accepts_codings(element.type, codes), value_set(element))
        return inner

    def _primitive(self, element: ElementDef, name: str, shape: Shape) -> ElementCheck:
        valid = self._predicate(element.type)
        quick = valid.knows if isinstance(valid, Remembering) else valid
        explain = checks.explain_as(element.type)
        codes = required_codes(element)
        if codes is not None:
            explain = checks.explain_code(valid, value_set(element), element.type)
            accepted: frozenset[str] = frozenset().union(*codes.values())
            valid, quick = checks.is_one_of(accepted), accepted.__contains__
        if element.is_list:
            return checks.primitive_list(name, element.json_name, valid, explain)
        shape.valid[element.json_name] = quick
        return checks.single_primitive(name, valid, explain)

    def _predicate(self, type_name: str) -> Predicate:
        if type_name not in self._predicates:
            self._predicates[type_name] = predicate(type_name)
        return self._predicates[type_name]

    def _sibling(self, element: ElementDef) -> ElementCheck:
        inner = self.check("Element")
        if element.is_list:
            return checks.sibling_list(place_name(element), element.json_name, inner)
        return checks.single_sibling(place_name(element), inner)


def is_primitive(type_name: str) -> bool:
    definition = definitions().type(type_name)
    return definition is not None and definition.kind == "primitive-type"


def may_have_sibling(element: ElementDef, holder: TypeDef) -> bool:
    """Whether a primitive can carry extensions: not what is an attribute in XML, nor a resource's id, nor XHTML."""
    if element.type == "xhtml" or (holder.kind == "resource" and element.name == "id"):
        return False
    return is_primitive(element.type) and not element.xml_attribute


def place_name(element: ElementDef) -> str:
    """The element as FHIRPath finds it: ``value.ofType(Quantity)`` for valueQuantity."""
    return f"{element.name}.ofType({element.type})" if element.choice else element.name


def value_set(element: ElementDef) -> str:
    return element.binding.value_set if element.binding else ""


def required_codes(element: ElementDef) -> Mapping[str, frozenset[str]] | None:
    """System → codes where the element is bound to an enumerable value set with strength required."""
    if element.binding is None or element.binding.strength != "required":
        return None
    return definitions().required_codes(element.binding.value_set)


def accepts_codings(type_name: str, codes: Mapping[str, frozenset[str]]) -> Predicate:
    """Whether a Coding is, or a CodeableConcept has, one of the codes with its system."""

    def accepts_coding(coding: Json) -> bool:
        if not isinstance(coding, dict):
            return False
        system, code = coding.get("system"), coding.get("code")
        return isinstance(system, str) and isinstance(code, str) and code in codes.get(system, ())

    def accepts_concept(concept: Json) -> bool:
        codings = concept.get("coding")
        return isinstance(codings, list) and any(accepts_coding(coding) for coding in codings)

    return accepts_coding if type_name == "Coding" else accepts_concept
