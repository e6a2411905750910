"""Writing segments: values are escaped, so that whatever stands in them divides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from adapters.hl7v2.escapes import escape
from adapters.hl7v2.separators import Separators

Component: TypeAlias = "str | Sequence[str | None] | None"
"""A value, or subcomponents."""


class Raw(str):
    """A field's text that is written as it is: it comes from a message with the same separators."""


class Components(tuple[Component, ...]):
    """The components of one field."""


class Repetitions(tuple["str | Components | None", ...]):
    """The repetitions of one field."""


Field: TypeAlias = "str | Raw | Components | Repetitions | None"


def write_segment(name: str, fields: Sequence[Field], separators: Separators, least: int = 0) -> str:
    """One segment without its end. Fields count from 1, those of a header from 3.

    Empty ones at the end go, but for the ``least`` that readers count on.
    """
    texts = [_field(one, separators) for one in fields]
    while len(texts) > least and not texts[-1]:
        texts.pop()
    return separators.field.join([name, *texts])


def write_header(name: str, fields: Sequence[Field], separators: Separators) -> str:
    """MSH, BHS or FHS with its declaration of the separators; ``fields`` begin with the third."""
    declaration = Raw(separators.encoding_characters)
    return write_segment(name, (declaration, *fields), separators)


def _field(field: Field, separators: Separators) -> str:
    if not field:
        return ""
    if isinstance(field, Raw):
        return str(field)
    if isinstance(field, Repetitions):
        return separators.repetition.join(_field(one, separators) for one in field)
    if isinstance(field, Components):
        return _joined([_component(one, separators) for one in field], separators.component)
    return escape(field or "", separators)


def _component(component: Component, separators: Separators) -> str:
    if component is None or isinstance(component, str):
        return escape(component or "", separators)
    return _joined([escape(one or "", separators) for one in component], separators.subcomponent)


def _joined(parts: list[str], separator: str) -> str:
    while parts and not parts[-1]:
        parts.pop()
    return separator.join(parts)
