"""What can go wrong in an expression."""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["syntax", "semantic", "execution"]


class FhirPathError(ValueError):
    """An expression that cannot be parsed, typed or evaluated.

    ``position`` is the zero-based character offset in the expression (-1 when there is none) and ``kind``
    says when it was found. The message names places and types, never a value from a resource.
    """

    def __init__(self, message: str, position: int = -1, kind: Kind = "execution"):
        self.message = message
        self.position = position
        self.kind = kind
        super().__init__(f"{message} (at character {position + 1})" if position >= 0 else message)


def syntax_error(message: str, position: int) -> FhirPathError:
    return FhirPathError(message, position, "syntax")


def semantic_error(message: str, position: int) -> FhirPathError:
    return FhirPathError(message, position, "semantic")
