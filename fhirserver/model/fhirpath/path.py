"""Compiled expressions, ready to be evaluated."""

from __future__ import annotations

from functools import lru_cache

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath.code import ANYTHING, Code, Static
from fhirserver.model.fhirpath.compile import Compiler
from fhirserver.model.fhirpath.elements import ABSTRACT, type_of_resource
from fhirserver.model.fhirpath.environment import DEFAULT, Environment, Frame
from fhirserver.model.fhirpath.errors import FhirPathError, semantic_error, syntax_error
from fhirserver.model.fhirpath.parser import parse
from fhirserver.model.fhirpath.values import Typed
from fhirserver.model.fhirpath.walk import Walker, walker


class Path:
    """An expression compiled for a context type. Immutable, so it may be used by many threads at once."""

    __slots__ = ("_code", "_declared", "_walker", "context", "expression")

    def __init__(self, expression: str, context: str | None, code: Code):
        self.expression = expression
        self.context = context
        self._code = code
        self._declared = context if context in definitions().resource_types else None
        self._walker = _direct(code)

    def __call__(self, node: JsonObject, environment: Environment | None = None) -> list[Typed]:
        """Evaluate on a resource, or on a JSON object of the context's type.

        Raises :class:`FhirPathError` for what goes wrong, a resource of another type included.
        """
        try:
            if self._walker is not None and self._declared == node.get("resourceType", self._declared):
                return self._walker(node)
            return self.on(Typed(node, self._type_of(node)), environment)
        except FhirPathError:
            raise
        except (AttributeError, TypeError, KeyError):
            raise FhirPathError("the value is not structured as its type says") from None
        except RecursionError:
            raise FhirPathError("the expression or the value is nested too deeply") from None

    def on(self, item: Typed, environment: Environment | None = None) -> list[Typed]:
        """Evaluate on an item of any type, a primitive for one."""
        try:
            frame = Frame(item, environment or DEFAULT)
            return list(self._code.run(frame, frame.context))
        except (AttributeError, TypeError, KeyError):
            raise FhirPathError("the value is not structured as its type says") from None
        except RecursionError:
            raise FhirPathError("the expression or the value is nested too deeply") from None

    def _type_of(self, node: JsonObject) -> str:
        found = type_of_resource(node, self.context or "Element")
        if self._declared is not None and found != self._declared:
            raise FhirPathError(f"the expression is for {self._declared}, not for this resource type")
        return found


def _direct(code: Code) -> Walker | None:
    return walker(code.walk) if code.walk else None


@lru_cache(maxsize=8192)
def compile_path(
    expression: str, context: str | None = None, *, strict: bool = True, check_order: bool = False
) -> Path:
    """Parse, type and compile ``expression`` for values of type ``context``.

    ``context`` is a resource type, a datatype or the path of a backbone (``Observation.component``); None
    or an abstract type leaves the typing to run time. ``strict`` makes an element that the type does not
    have an error; otherwise it is empty. ``check_order`` refuses to rely on an order that is not defined.
    Raises :class:`FhirPathError`. https://hl7.org/fhirpath/N1/
    """
    if context is not None and definitions().type(context) is None:
        raise semantic_error("the context is not a type", -1)
    try:
        return Path(expression, context, _compile(expression, context, strict, check_order))
    except RecursionError:
        raise syntax_error("the expression is nested too deeply", 0) from None


def _compile(expression: str, context: str | None, strict: bool, check_order: bool) -> Code:
    static = ANYTHING if context is None or context in ABSTRACT else Static(frozenset({context}), many=False)
    return Compiler(context, strict, check_order).compile(parse(expression), static)
