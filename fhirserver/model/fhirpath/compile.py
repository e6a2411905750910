"""Syntax trees to closures, typed against the R4 element model on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import operators, syntax
from fhirserver.model.fhirpath.code import ANYTHING, Code, Run, Static, from_walk, one_of
from fhirserver.model.fhirpath.constants import constant
from fhirserver.model.fhirpath.elements import ABSTRACT, Step, is_primitive, members, step
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.equality import distinct
from fhirserver.model.fhirpath.errors import FhirPathError, semantic_error
from fhirserver.model.fhirpath.functions import lambdas
from fhirserver.model.fhirpath.functions.library import FUNCTIONS
from fhirserver.model.fhirpath.functions.signature import Function
from fhirserver.model.fhirpath.type_names import TypeName, casts, conforms, type_name
from fhirserver.model.fhirpath.values import (
    BOOLEAN,
    DECIMAL,
    INTEGER,
    QUANTITY,
    STRING,
    Items,
    Typed,
    boolean,
    integer,
    single,
    single_integer,
    system_type,
)
from fhirserver.model.fhirpath.walk import continues


class Compiler:
    """Compiles the nodes of one expression.

    ``context`` is the type the expression starts at, or None when it is not known; with ``strict`` an
    element that no possible type has is a semantic error, otherwise it is empty.
    """

    def __init__(self, context: str | None, strict: bool, check_order: bool = False):
        self.context = context
        self.strict = strict
        self.check_order = check_order
        self.variables: set[str] = set()
        self._compilers: dict[type, Callable[[Any, Static], Code]] = {
            syntax.Literal: self._literal,
            syntax.Empty: self._empty,
            syntax.This: self._this,
            syntax.Variable: self._variable,
            syntax.Constant: self._constant,
            syntax.Member: self._member,
            syntax.Call: self._call,
            syntax.Index: self._index,
            syntax.Sign: self._sign,
            syntax.Binary: self._binary,
            syntax.Union: self._union,
            syntax.TypeTest: self._type_test,
        }

    def compile(self, node: syntax.Node, this: Static) -> Code:
        """The code of ``node`` where a path without a beginning starts at ``this``."""
        return self._compilers[node.__class__](node, this)

    def scoped(self, node: syntax.Node, this: Static) -> Code:
        """The code of an operand or argument, whose variables are not seen outside it."""
        outer = self.variables
        self.variables = set(outer)
        code = self.compile(node, this)
        self.variables = outer
        return code

    def refuse(self, message: str, at: int) -> None:
        """Report what is surely a mistake, unless mistakes are to be lived with."""
        if self.strict:
            raise semantic_error(message, at)

    def _literal(self, node: syntax.Literal, this: Static) -> Code:
        result = [Typed(node.value, node.type)]
        return Code(lambda frame, focus: result, one_of(node.type))

    def _empty(self, node: syntax.Empty, this: Static) -> Code:
        return Code(lambda frame, focus: [], one_of())

    def _this(self, node: syntax.This, this: Static) -> Code:
        return from_walk((), this)

    def _variable(self, node: syntax.Variable, this: Static) -> Code:
        if node.name == "total":
            return Code(lambda frame, focus: frame.total, ANYTHING)
        return Code(_current_index, one_of(INTEGER))

    def _constant(self, node: syntax.Constant, this: Static) -> Code:
        return constant(node, self.context, node.name in self.variables)

    # Paths

    def _member(self, node: syntax.Member, this: Static) -> Code:
        if node.first and node.name[:1].isupper() and (typed := self._type_root(node, this)) is not None:
            return typed
        return self.member(self.compile(node.target, this), node.name, node.at)

    def _type_root(self, node: syntax.Member, this: Static) -> Code | None:
        if definitions().type(node.name) is None and node.name not in ABSTRACT:
            return None
        wanted = TypeName(node.name, "")
        if this.types is not None and this.types and all(conforms(name, wanted) for name in this.types):
            return from_walk((), this)
        possible = this.types is None or any(_may_be(name, node.name) for name in this.types)
        if not possible:
            self.refuse("the expression starts at another type than its context", node.at)
        return Code(
            _only(lambda item: conforms(item.type, wanted)), Static(frozenset({node.name}), this.many)
        )

    def member(self, target: Code, name: str, at: int) -> Code:
        """The code of ``target.name``."""
        steps = self._steps(target.static, name, at)
        static = _member_static(target.static, steps)
        if target.walk is not None and _is_walkable(target, steps):
            return from_walk((*target.walk, steps[0]), static)
        return Code(_member_run(target.run, name), static)

    def _steps(self, static: Static, name: str, at: int) -> list[Step]:
        """How the possible types reach ``name``; empty when the types are not known."""
        if static.types is None or not static.types.isdisjoint(ABSTRACT):
            return []
        found = [s for type_ in sorted(static.types) if (s := step(type_, name)) is not None]
        if not found and static.types and not (name == "value" and any(map(system_type, static.types))):
            self.refuse("there is no such element", at)
        return found

    def _index(self, node: syntax.Index, this: Static) -> Code:
        target, index = self.compile(node.target, this), self.scoped(node.index, this)
        self.check_ordered(target.static, node.at)
        run, index_run = target.run, index.run

        def at_index(frame: Frame, focus: Items) -> Items:
            at = single_integer(index_run(frame, focus))
            items = run(frame, focus)
            return [items[at]] if at is not None and 0 <= at < len(items) else []

        return Code(_located(at_index, node.at), target.static._replace(many=False))

    def check_ordered(self, static: Static, at: int) -> None:
        if self.check_order and not static.ordered:
            raise semantic_error("the input has no order that this could rely on", at)

    # Operators

    def _sign(self, node: syntax.Sign, this: Static) -> Code:
        operand = self.compile(node.operand, this)
        run = operand.run
        apply = operators.negative if node.operator == "-" else operators.positive
        return Code(_located(lambda frame, focus: apply(run(frame, focus)), node.at), operand.static)

    def _binary(self, node: syntax.Binary, this: Static) -> Code:
        left, right = self.scoped(node.left, this), self.scoped(node.right, this)
        run = operators.binary(node.operator, left.run, right.run)
        return Code(_located(run, node.at), _binary_static(node.operator, left.static, right.static))

    def _union(self, node: syntax.Union, this: Static) -> Code:
        codes = [code for branch in node.branches if (code := self._branch(branch, this)) is not None]
        if not codes:
            raise semantic_error("no part of the union starts at the context's type", node.at)
        runs = [code.run for code in codes]

        def union(frame: Frame, focus: Items) -> Items:
            found = [item for run in runs for item in run(frame, focus)]
            return distinct(frame, found) if len(found) > 1 else found

        return Code(union, _merged([code.static for code in codes]))

    def _branch(self, node: syntax.Node, this: Static) -> Code | None:
        """A branch of a union, None when it starts at another resource type than the context's."""
        root = _root_type(node)
        if root and this.types is not None and self.context in definitions().resource_types:
            possible = any(_may_be(name, root) for name in this.types)
            if not possible and root in definitions().resource_types:
                return None
        return self.scoped(node, this)

    def _type_test(self, node: syntax.TypeTest, this: Static) -> Code:
        target = self.compile(node.operand, this)
        wanted = type_name(node.type, node.at)
        return (
            self.type_is(target, wanted, node.at) if node.operator == "is" else self.narrowed(target, wanted)
        )

    def type_is(self, target: Code, wanted: TypeName, at: int) -> Code:
        """The code of ``target is wanted``."""
        run = target.type_only or target.run

        def test(frame: Frame, focus: Items) -> Items:
            item = single(run(frame, focus))
            return boolean(None if item is None else conforms(item.type, wanted))

        return Code(_located(test, at), one_of(BOOLEAN))

    def narrowed(self, target: Code, wanted: TypeName) -> Code:
        """The items of ``target`` that are of a type: ``ofType``, and ``as`` on a single item.

        The operator ``as`` filters collections too: R4's own search parameters rely on it
        (``Observation.component.value as Quantity``).
        """
        static = _narrow_static(target.static, wanted)
        if target.walk and (variants := _narrow_variants(target.walk[-1], wanted)):
            return from_walk((*target.walk[:-1], target.walk[-1].narrowed(variants)), static)
        run, only = target.run, _only(lambda item: casts(item.type, wanted))
        return Code(lambda frame, focus: only(frame, run(frame, focus)), static)

    # Functions

    def _call(self, node: syntax.Call, this: Static) -> Code:
        target = self.compile(node.target, this)
        build = lambdas.BUILDERS.get(node.name)
        if build is not None:
            code = build(self, node, target, this)
            return code._replace(run=_located(code.run, node.at)) if code.walk is None else code
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise semantic_error("there is no such function", node.at)
        return self._apply(function, node, target, this)

    def _apply(self, function: Function, node: syntax.Call, target: Code, this: Static) -> Code:
        self.check_arity(node, function.least, function.most)
        self._check_input(function, node, target.static)
        if function.ordered:
            self.check_ordered(target.static, node.at)
        arguments = [self.scoped(argument, this).run for argument in node.arguments]
        run = _located(_applied(function.apply, target.run, arguments), node.at)
        return Code(run, _result_static(function, target.static))

    def check_arity(self, node: syntax.Call, least: int, most: int) -> None:
        if not least <= len(node.arguments) <= most:
            raise semantic_error("wrong number of arguments", node.at)

    def _check_input(self, function: Function, node: syntax.Call, static: Static) -> None:
        if function.input == "string" and static.types and not any(map(system_type, static.types)):
            self.refuse("the function needs a string", node.at)


def _current_index(frame: Frame, focus: Items) -> Items:
    return [] if frame.index is None else integer(frame.index)


def _may_be(declared: str, wanted: str) -> bool:
    """Whether a value declared as one type may turn out to be of another."""
    model = definitions()
    return declared in ABSTRACT or model.is_a(declared, wanted) or model.is_a(wanted, declared)


def _root_type(node: syntax.Node) -> str:
    """The type name a path begins with, or nothing."""
    while not isinstance(node, syntax.This):
        if isinstance(node, syntax.Member) and node.first:
            return node.name if node.name[:1].isupper() else ""
        if isinstance(node, syntax.Member | syntax.Call | syntax.Index):
            node = node.target
        elif isinstance(node, syntax.TypeTest):
            node = node.operand
        else:
            return ""
    return ""


def _only(keep: Callable[[Typed], bool]) -> Run:
    return lambda frame, focus: [item for item in focus if keep(item)]


def _located(run: Run, at: int) -> Run:
    """Give errors that do not know their place the place of this node."""

    def located(frame: Frame, focus: Items) -> Items:
        try:
            return run(frame, focus)
        except FhirPathError as error:
            if error.position < 0:
                raise FhirPathError(error.message, at, error.kind) from None
            raise

    return located


def _member_run(run: Run, name: str) -> Run:
    def member(frame: Frame, focus: Items) -> Items:
        out: Items = []
        for item in run(frame, focus):
            members(item, name, out)
        return out

    return member


def _is_walkable(target: Code, steps: list[Step]) -> bool:
    types = target.static.types
    return (
        len(steps) == 1
        and types is not None
        and len(types) == 1
        and not any(map(_is_leaf_type, types))
        and (not target.walk or continues(target.walk))
    )


def _is_leaf_type(name: str) -> bool:
    return name.startswith("System.") or name in ABSTRACT or is_primitive(name)


def _member_static(target: Static, steps: list[Step]) -> Static:
    if not steps:
        return Static(None if target.types != frozenset() else frozenset(), ordered=target.ordered)
    types = frozenset(variant.type for found in steps for variant in found.variants)
    return Static(types, target.many or any(found.is_list for found in steps), target.ordered)


def _narrow_variants(last: Step, wanted: TypeName) -> tuple[Any, ...]:
    """The variants that a cast keeps, or none when that depends on the value."""
    if any(variant.type in ABSTRACT for variant in last.variants):
        return ()
    return tuple(variant for variant in last.variants if casts(variant.type, wanted))


def _narrow_static(static: Static, wanted: TypeName) -> Static:
    known = static.types and static.types.isdisjoint(ABSTRACT)
    kept = frozenset(name for name in static.types or () if casts(name, wanted)) if known else None
    names = frozenset(name for name in wanted if name)
    return static._replace(types=kept or names)


def _merged(statics: list[Static]) -> Static:
    types: frozenset[str] | None = frozenset()
    for static in statics:
        types = None if types is None or static.types is None else types | static.types
    return Static(types, many=len(statics) > 1 or statics[0].many, ordered=False)


def _binary_static(operator: str, left: Static, right: Static) -> Static:
    if operator in operators.BOOLEAN_OPERATORS:
        return one_of(BOOLEAN)
    if operator == "&":
        return one_of(STRING)
    if operator == "/":
        return one_of(DECIMAL, QUANTITY)
    return ANYTHING._replace(many=False)


def _result_static(function: Function, target: Static) -> Static:
    if function.result == "input":
        return target._replace(many=function.many and target.many)
    if function.result == "any":
        return Static(None, function.many, not function.unordered)
    return Static(frozenset({function.result}), function.many)


def _applied(apply: Callable[..., Items], target: Run, arguments: list[Run]) -> Run:
    if not arguments:
        return lambda frame, focus: apply(frame, target(frame, focus))
    if len(arguments) == 1:
        only = arguments[0]
        return lambda frame, focus: apply(frame, target(frame, focus), only(frame, focus))
    return lambda frame, focus: apply(
        frame, target(frame, focus), *[argument(frame, focus) for argument in arguments]
    )
