"""The abstract syntax tree of an expression. Every node knows where it begins (``at``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from fhirserver.kernel.json import Json


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal; ``type`` is a System type such as ``System.Integer``."""

    value: Json
    type: str
    at: int


@dataclass(frozen=True, slots=True)
class Empty:
    """``{}``"""

    at: int


@dataclass(frozen=True, slots=True)
class This:
    """What a path without a beginning begins with, or ``$this`` itself."""

    at: int


@dataclass(frozen=True, slots=True)
class Variable:
    """``$index`` or ``$total``."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Constant:
    """``%name``"""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Member:
    """``target.name``; ``target`` is :class:`This` with ``first`` set for a leading identifier."""

    target: Node
    name: str
    first: bool
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """``target.name(arguments)``"""

    target: Node
    name: str
    arguments: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Index:
    """``target[index]``"""

    target: Node
    index: Node
    at: int


@dataclass(frozen=True, slots=True)
class Sign:
    """``+operand`` or ``-operand``"""

    operator: str
    operand: Node
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """``left operator right``"""

    operator: str
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class Union:
    """``a | b | c``: a chain of unions is one node, however long."""

    branches: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class TypeTest:
    """``operand is type`` or ``operand as type``"""

    operator: str
    operand: Node
    type: str
    at: int


Node: TypeAlias = (
    Literal | Empty | This | Variable | Constant | Member | Call | Index | Sign | Binary | Union | TypeTest
)
