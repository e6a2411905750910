"""Functions whose arguments are expressions or type names rather than values.

https://hl7.org/fhirpath/N1/#filtering-and-projection
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from typing import TYPE_CHECKING, TypeAlias

from fhirserver.model.fhirpath import references, syntax
from fhirserver.model.fhirpath.code import ANYTHING, Code, Run, Static, one_of
from fhirserver.model.fhirpath.constants import RESERVED
from fhirserver.model.fhirpath.elements import ABSTRACT, step
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.equality import key
from fhirserver.model.fhirpath.errors import semantic_error
from fhirserver.model.fhirpath.ordering import order
from fhirserver.model.fhirpath.type_names import TypeName, type_name
from fhirserver.model.fhirpath.values import (
    BOOLEAN,
    FALSE,
    STRING,
    TRUE,
    Items,
    Typed,
    single,
    single_string,
    system_type,
    truth,
)

if TYPE_CHECKING:
    from fhirserver.model.fhirpath.compile import Compiler

Build: TypeAlias = "Callable[[Compiler, syntax.Call, Code, Static], Code]"


def _each(run: Run, frame: Frame, items: Items) -> list[Items]:
    """What ``run`` gives for each item, with ``$index`` set."""
    outer, spend = frame.index, frame.spend
    out = []
    for at, item in enumerate(items):
        spend(1)
        frame.index = at
        out.append(run(frame, [item]))
    frame.index = outer
    return out


def _body(compiler: Compiler, node: syntax.Call, at: int, target: Code) -> Code:
    """The argument compiled to run once for each item of the target."""
    return compiler.scoped(node.arguments[at], target.static._replace(many=False, ordered=True))


def _where(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    compiler.check_arity(node, 1, 1)
    quick = _where_text(node.arguments[0], target)
    if quick is not None:
        return Code(quick, target.static)
    run, criterion = target.run, _body(compiler, node, 0, target).run

    def where(frame: Frame, focus: Items) -> Items:
        items = run(frame, focus)
        if not items:
            return items
        kept = _each(criterion, frame, items)
        return [item for item, keep in zip(items, kept, strict=True) if truth(keep)]

    return Code(where, target.static)


def _where_text(criterion: syntax.Node, target: Code) -> Run | None:
    """``where(system = 'phone')``, as many search parameters have it: a look at one member of each item."""
    if not isinstance(criterion, syntax.Binary) or criterion.operator != "=":
        return None
    left, right, types = criterion.left, criterion.right, target.static.types
    if not isinstance(left, syntax.Member) or not isinstance(left.target, syntax.This):
        return None
    if not left.first or not isinstance(right, syntax.Literal) or right.type != STRING:
        return None
    key_of = _text_member(next(iter(types)), left.name) if types and len(types) == 1 else ""
    if not key_of:
        return None
    run, text = target.run, right.value

    def where(frame: Frame, focus: Items) -> Items:
        items = run(frame, focus)
        frame.spend(len(items))
        return [item for item in items if item.value.__class__ is dict and item.value.get(key_of) == text]

    return where


def _text_member(type_name: str, name: str) -> str:
    """The JSON member of an element that is one string, empty for any other element."""
    found = None if type_name in ABSTRACT else step(type_name, name)
    if found is None or found.is_list or len(found.variants) != 1:
        return ""
    variant = found.variants[0]
    return variant.key if variant.primitive and system_type(variant.type) == STRING else ""


def _select(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    compiler.check_arity(node, 1, 1)
    projection = _body(compiler, node, 0, target)
    run, project = target.run, projection.run

    def select(frame: Frame, focus: Items) -> Items:
        return [item for found in _each(project, frame, run(frame, focus)) for item in found]

    many = target.static.many or projection.static.many
    return Code(select, projection.static._replace(many=many))


def _all(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    compiler.check_arity(node, 1, 1)
    run, criterion = target.run, _body(compiler, node, 0, target).run

    def every(frame: Frame, focus: Items) -> Items:
        return TRUE if all(truth(one) for one in _each(criterion, frame, run(frame, focus))) else FALSE

    return Code(every, one_of(BOOLEAN))


def _exists(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    compiler.check_arity(node, 0, 1)
    run = _where(compiler, node, target, this).run if node.arguments else target.run
    return Code(lambda frame, focus: TRUE if run(frame, focus) else FALSE, one_of(BOOLEAN))


def _repeat(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    """Projects what it found again and again; an item equal to an earlier one is not followed."""
    compiler.check_arity(node, 1, 1)
    run, static = target.run, target.static
    project = _repeated(compiler, node, static)

    def repeat(frame: Frame, focus: Items) -> Items:
        seen, out, rest = set(), [], run(frame, focus)
        while rest:
            found = [item for items in _each(project, frame, rest) for item in items]
            rest = []
            for item in found:
                if (one := key(item)) not in seen:
                    seen.add(one)
                    rest.append(item)
            out += rest
        return out

    return Code(repeat, Static(None, ordered=False))


def _repeated(compiler: Compiler, node: syntax.Call, static: Static) -> Run:
    """The projection, typed for the items it starts with and for those it finds."""
    item = static._replace(many=False, ordered=True)
    first = compiler.scoped(node.arguments[0], item).static
    if item.types == first.types:
        return compiler.scoped(node.arguments[0], item).run
    return compiler.scoped(node.arguments[0], ANYTHING._replace(many=False)).run


def _aggregate(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    compiler.check_arity(node, 1, 2)
    run, body = target.run, _body(compiler, node, 0, target).run
    initial = compiler.scoped(node.arguments[1], this).run if len(node.arguments) > 1 else None

    def aggregate(frame: Frame, focus: Items) -> Items:
        items = run(frame, focus)
        outer_total, outer_index = frame.total, frame.index
        total = initial(frame, focus) if initial is not None else []
        for at, item in enumerate(items):
            frame.total, frame.index = total, at
            total = body(frame, [item])
            frame.spend(1 + len(total))
        frame.total, frame.index = outer_total, outer_index
        return total

    return Code(aggregate, ANYTHING)


def _iif(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    compiler.check_arity(node, 2, 3)
    codes = [_body(compiler, node, at, target) for at in range(len(node.arguments))]
    _check_criterion(compiler, codes[0].static, node.at)
    run, runs = target.run, [code.run for code in codes]
    explicit = not isinstance(node.target, syntax.This)

    def iif(frame: Frame, focus: Items) -> Items:
        items = run(frame, focus)
        if explicit:
            single(items)
        if truth(runs[0](frame, items)):
            return runs[1](frame, items)
        return runs[2](frame, items) if len(runs) > 2 else []

    return Code(iif, _either([code.static for code in codes[1:]]))


def _check_criterion(compiler: Compiler, static: Static, at: int) -> None:
    if static.types and not static.types & {BOOLEAN, "boolean"}:
        compiler.refuse("the criterion of iif is not a Boolean", at)


def _either(statics: list[Static]) -> Static:
    types: frozenset[str] | None = frozenset()
    for static in statics:
        types = None if types is None or static.types is None else types | static.types
    return Static(types, any(static.many for static in statics), all(static.ordered for static in statics))


def _type_argument(compiler: Compiler, node: syntax.Call) -> TypeName:
    """The type that an argument such as ``Patient`` or ``System.String`` names."""
    compiler.check_arity(node, 1, 1)
    argument = node.arguments[0]
    if isinstance(argument, syntax.Member) and argument.first:
        return type_name(argument.name, argument.at)
    if isinstance(argument, syntax.Member) and isinstance(argument.target, syntax.Member):
        return type_name(f"{argument.target.name}.{argument.name}", argument.at)
    raise semantic_error("expected the name of a type", node.at)


def _is(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    return compiler.type_is(target, _type_argument(compiler, node), node.at)


def _of_type(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    return compiler.narrowed(target, _type_argument(compiler, node))


def _as(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    """``as`` of several items is an error, except of ``descendants()``: R4's own dom-3 relies on that."""
    code = compiler.narrowed(target, _type_argument(compiler, node))
    if not target.static.many or target.static.types is None:
        return code
    run, narrowed = target.run, code.run

    def as_single(frame: Frame, focus: Items) -> Items:
        single(run(frame, focus))
        return narrowed(frame, focus)

    return Code(as_single, code.static)


def _resolve(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    compiler.check_arity(node, 0, 0)
    run = target.run
    return Code(
        lambda frame, focus: references.resolve(frame, run(frame, focus)),
        Static(None, target.static.many),
        type_only=lambda frame, focus: references.resolve_types(frame, run(frame, focus)),
    )


def _extension(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    compiler.check_arity(node, 1, 1)
    run = compiler.member(target, "extension", node.at).run
    url_run = compiler.scoped(node.arguments[0], this).run

    def extension(frame: Frame, focus: Items) -> Items:
        items = run(frame, focus)
        if not items:
            return items
        url = single_string(url_run(frame, focus))
        return [item for item in items if isinstance(item.value, dict) and item.value.get("url") == url]

    return Code(extension, Static(frozenset({"Extension"})))


def _trace(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    compiler.check_arity(node, 1, 2)
    run, name_run = target.run, compiler.scoped(node.arguments[0], this).run
    project = _body(compiler, node, 1, target).run if len(node.arguments) > 1 else None

    def trace(frame: Frame, focus: Items) -> Items:
        items, log = run(frame, focus), frame.environment.trace
        shown = items if project is None else [i for found in _each(project, frame, items) for i in found]
        name = single_string(name_run(frame, focus))
        if log is not None:
            log(name or "", shown)
        return items

    return Code(trace, target.static)


def _define_variable(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    """``defineVariable(name, value)``: the name holds from here on in the path."""
    compiler.check_arity(node, 1, 2)
    name = _literal_name(node)
    value = _body(compiler, node, 1, target).run if len(node.arguments) > 1 else None
    if name in compiler.variables or name in RESERVED:
        raise semantic_error("the variable is already defined", node.at)
    compiler.variables.add(name)
    run = target.run

    def define(frame: Frame, focus: Items) -> Items:
        items = run(frame, focus)
        frame.variables[name] = items if value is None else value(frame, items)
        return items

    return Code(define, target.static)


def _literal_name(node: syntax.Call) -> str:
    name = node.arguments[0]
    if not isinstance(name, syntax.Literal) or not isinstance(name.value, str):
        raise semantic_error("the variable's name must be a string literal", node.at)
    return name.value


def _sort(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    """``sort(key, -key, …)``: a leading minus sorts that key downwards; without keys the items themselves."""
    run = target.run
    keys = [_sort_key(compiler, argument, target) for argument in node.arguments]
    keys = keys or [(lambda frame, focus: focus, 1)]

    def sort(frame: Frame, focus: Items) -> Items:
        items = run(frame, focus)
        columns = [[single(found) for found in _each(by, frame, items)] for by, _ in keys]
        rows = list(range(len(items)))
        for column, (_, direction) in reversed(list(zip(columns, keys, strict=True))):
            rows.sort(key=cmp_to_key(_comparison(column, direction)))
        return [items[row] for row in rows]

    return Code(sort, target.static._replace(ordered=True))


def _sort_key(compiler: Compiler, argument: syntax.Node, target: Code) -> tuple[Run, int]:
    direction = 1
    if isinstance(argument, syntax.Sign):
        direction = -1 if argument.operator == "-" else 1
        argument = argument.operand
    return compiler.scoped(argument, target.static._replace(many=False, ordered=True)).run, direction


def _comparison(column: list[Typed | None], direction: int) -> Callable[[int, int], int]:
    """Order of two rows; an empty key comes first."""

    def compare(a: int, b: int) -> int:
        left, right = column[a], column[b]
        if left is None or right is None:
            return direction * ((left is not None) - (right is not None))
        return direction * (order(left, right) or 0)

    return compare


def _coalesce(compiler: Compiler, node: syntax.Call, target: Code, this: Static) -> Code:
    if not node.arguments:
        raise semantic_error("wrong number of arguments", node.at)
    codes = [compiler.scoped(argument, this) for argument in node.arguments]

    def coalesce(frame: Frame, focus: Items) -> Items:
        return next((found for code in codes if (found := code.run(frame, focus))), [])

    return Code(coalesce, _either([code.static for code in codes]))


BUILDERS: dict[str, Build] = {
    "where": _where,
    "select": _select,
    "all": _all,
    "exists": _exists,
    "repeat": _repeat,
    "aggregate": _aggregate,
    "iif": _iif,
    "is": _is,
    "as": _as,
    "ofType": _of_type,
    "resolve": _resolve,
    "extension": _extension,
    "trace": _trace,
    "defineVariable": _define_variable,
    "sort": _sort,
    "coalesce": _coalesce,
}
