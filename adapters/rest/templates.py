"""Templates: text in which ``${…}`` holds an expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from adapters.rest.expressions import (
    Evaluator,
    Expression,
    InvalidExpression,
    Scope,
    compile_expression,
    plain,
)
from fhirserver.kernel.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Template:
    """Text and expressions in turn. One that is nothing but an expression keeps the type of its value."""

    parts: tuple[str | Expression, ...]

    def value(self, evaluator: Evaluator, content: Json, scope: Scope) -> Json:
        """The value; None where it is one expression that has none."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Expression):
            return evaluator.value(self.parts[0], content, scope)
        return "".join(self._texts(evaluator, content, scope))

    def text(self, evaluator: Evaluator, content: Json, scope: Scope) -> str:
        return "".join(self._texts(evaluator, content, scope))

    def path(self, evaluator: Evaluator, content: Json, scope: Scope) -> str:
        """The same with the values made safe to stand in a path."""
        return "".join(
            part if isinstance(part, str) else quote(evaluator.text(part, content, scope), safe="")
            for part in self.parts
        )

    def _texts(self, evaluator: Evaluator, content: Json, scope: Scope) -> Iterator[str]:
        for part in self.parts:
            yield part if isinstance(part, str) else evaluator.text(part, content, scope)

    @property
    def expressions(self) -> list[Expression]:
        return [part for part in self.parts if isinstance(part, Expression)]


Templates = dict[str, Template]


@dataclass(frozen=True, slots=True)
class BodyTemplate:
    """A tree with templates for leaves; what has no value is left out."""

    tree: Json

    def value(self, evaluator: Evaluator, content: Json, scope: Scope) -> JsonObject:
        made = _render(self.tree, evaluator, content, scope)
        return made if isinstance(made, dict) else {}

    @property
    def expressions(self) -> list[Expression]:
        return list(_expressions(self.tree))


def _render(tree: object, evaluator: Evaluator, content: Json, scope: Scope) -> Json:
    if isinstance(tree, Template):
        return tree.value(evaluator, content, scope)
    if isinstance(tree, dict):
        made = {name: _render(inner, evaluator, content, scope) for name, inner in tree.items()}
        return {name: value for name, value in made.items() if value is not None}
    if isinstance(tree, list):
        items = [_render(inner, evaluator, content, scope) for inner in tree]
        return [item for item in items if item not in (None, {})]
    return tree


def _expressions(tree: object) -> Iterator[Expression]:
    if isinstance(tree, Template):
        yield from tree.expressions
    elif isinstance(tree, dict | list):
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from _expressions(inner)


def compile_template(text: Json, place: str) -> Template:
    """Raises :class:`InvalidExpression`."""
    parts: list[str | Expression] = []
    rest = plain(text)
    while (start := rest.find("${")) >= 0:
        end = _closing(rest, start + 2)
        if start:
            parts.append(rest[:start])
        parts.append(compile_expression(rest[start + 2 : end], place))
        rest = rest[end + 1 :]
    if rest or not parts:
        parts.append(rest)
    return Template(tuple(parts))


def compile_body(tree: Json, place: str) -> BodyTemplate:
    """Raises :class:`InvalidExpression`."""
    return BodyTemplate(_compiled(tree, place))


def _compiled(tree: Json, place: str) -> Json:
    if isinstance(tree, dict):
        return {name: _compiled(inner, f"{place}.{name}") for name, inner in tree.items()}
    if isinstance(tree, list):
        return [_compiled(inner, f"{place}[{number}]") for number, inner in enumerate(tree)]
    return compile_template(tree, place) if isinstance(tree, str) else tree


def _closing(text: str, start: int) -> int:
    """Where the brace closes that was opened before ``start``; braces nest, and within quotes they do not count."""
    depth, quoted = 1, ""
    position = start
    while position < len(text):
        sign = text[position]
        if quoted:
            position += sign == "\\"
            quoted = "" if sign == quoted else quoted
        elif sign in "'\"`":
            quoted = sign
        elif sign in "{}":
            depth += 1 if sign == "{" else -1
            if not depth:
                return position
        position += 1
    raise InvalidExpression("a ${ that is never closed")
