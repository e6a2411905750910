"""SearchParameter expressions that cover several types: ``Patient.name | Person.name``."""

from __future__ import annotations

from collections.abc import Callable


def part_for(type: str, expression: str, is_resource: Callable[[str], bool]) -> str:
    """The operands of the union that start at ``type``, or that name no resource type at all."""
    return " | ".join(one for one in operands(expression) if _applies(one, type, is_resource))


def operands(expression: str) -> list[str]:
    """The operands of the top-level ``|``; those inside parentheses or quotes stay whole."""
    parts, depth, quoted, start = [], 0, False, 0
    for at, char in enumerate(expression):
        quoted ^= char == "'"
        if quoted:
            continue
        depth += (char in "([") - (char in ")]")
        if char == "|" and depth == 0:
            parts.append(expression[start:at].strip())
            start = at + 1
    return [*parts, expression[start:].strip()]


def _applies(operand: str, type: str, is_resource: Callable[[str], bool]) -> bool:
    root = operand.lstrip("( ").partition(".")[0].partition(" ")[0]
    return root == type or not is_resource(root)
