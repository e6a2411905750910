"""Tokens to a syntax tree, by precedence climbing. https://hl7.org/fhirpath/N1/#operator-precedence"""

from __future__ import annotations

from decimal import Decimal

from fhirserver.model.fhirpath import temporal
from fhirserver.model.fhirpath.errors import semantic_error, syntax_error
from fhirserver.model.fhirpath.lexer import Token, tokens
from fhirserver.model.fhirpath.quantity import CALENDAR_UNITS, literal_quantity
from fhirserver.model.fhirpath.syntax import (
    Binary,
    Call,
    Constant,
    Empty,
    Index,
    Literal,
    Member,
    Node,
    Sign,
    This,
    TypeTest,
    Union,
    Variable,
)

MAX_DEPTH = 120
"""How deep an expression may nest, and how many operators or dots may follow each other."""

_LEVEL = {
    operator: level
    for level, operators in enumerate(
        (
            ("implies",),
            ("or", "xor"),
            ("and",),
            ("in", "contains"),
            ("=", "~", "!=", "!~"),
            ("<", ">", "<=", ">="),
            ("|",),
            ("is", "as"),
            ("+", "-", "&"),
            ("*", "/", "div", "mod"),
        )
    )
    for operator in operators
}
_SIGN_LEVEL = len(_LEVEL)
_NAME_ALSO = frozenset({"as", "contains", "in", "is"})
_NAME_AFTER_DOT = _NAME_ALSO | {"div", "mod"}
"""After a dot no operator can stand; HL7 itself writes ``Patient.text.div`` without backticks."""
_KEYWORDS = frozenset({"and", "or", "xor", "implies", "div", "mod", "true", "false"}) | _NAME_ALSO


def parse(expression: str) -> Node:
    """The syntax tree of ``expression``. Raises :class:`FhirPathError` of kind ``syntax``."""
    parser = _Parser(tokens(expression))
    node = parser.expression(0)
    parser.expect_end()
    return node


class _Parser:
    def __init__(self, stream: list[Token]):
        self._stream = stream
        self._next = 0
        self._depth = 0

    @property
    def _token(self) -> Token:
        return self._stream[self._next]

    def _take(self) -> Token:
        token = self._stream[self._next]
        self._next += 1
        return token

    def _is(self, symbol: str) -> bool:
        token = self._token
        return token.kind == "symbol" and token.text == symbol

    def _expect(self, symbol: str) -> None:
        if not self._is(symbol):
            raise syntax_error(f"expected '{symbol}'", self._token.at)
        self._next += 1

    def expect_end(self) -> None:
        if self._token.kind != "end":
            raise syntax_error("unexpected text after the expression", self._token.at)

    def _deeper(self, levels: int = 1) -> None:
        self._depth += levels
        if self._depth > MAX_DEPTH:
            raise syntax_error("the expression is nested too deeply", self._token.at)

    def expression(self, level: int) -> Node:
        entered = self._depth
        self._deeper()
        node = self._signed()
        while (operator := self._operator()) is not None and _LEVEL[operator] >= level:
            self._deeper()
            node = self._continue(node, operator)
        self._depth = entered
        return node

    def _operator(self) -> str | None:
        token = self._token
        return token.text if token.kind in ("symbol", "name") and token.text in _LEVEL else None

    def _continue(self, left: Node, operator: str) -> Node:
        at = self._take().at
        if operator in ("is", "as"):
            return TypeTest(operator, left, self._type_specifier(), at)
        if operator == "|":
            return self._union(left, at)
        return Binary(operator, left, self.expression(_LEVEL[operator] + 1), at)

    def _union(self, left: Node, at: int) -> Node:
        branches = [left, self.expression(_LEVEL["|"] + 1)]
        while self._is("|"):
            self._take()
            branches.append(self.expression(_LEVEL["|"] + 1))
        return Union(tuple(branches), at)

    def _type_specifier(self) -> str:
        name = self._identifier()
        if self._is("."):
            self._take()
            name = f"{name}.{self._identifier()}"
        return name

    def _signed(self) -> Node:
        if self._is("+") or self._is("-"):
            token = self._take()
            self._deeper()
            return Sign(token.text, self._signed(), token.at)
        return self._invocations(self._term())

    def _invocations(self, node: Node) -> Node:
        while True:
            if self._is("."):
                self._take()
                node = self._invocation(node, first=False)
            elif self._is("["):
                at = self._take().at
                node = Index(node, self.expression(0), at)
                self._expect("]")
            else:
                return node
            self._deeper()

    def _term(self) -> Node:
        token = self._token
        if token.kind == "symbol":
            return self._bracketed()
        if token.kind == "constant":
            self._take()
            return Constant(token.text, token.at)
        if token.kind == "number":
            return self._number()
        literal = self._literal()
        return literal if literal is not None else self._invocation(This(token.at), first=True)

    def _bracketed(self) -> Node:
        token = self._take()
        if token.text == "(":
            node = self.expression(0)
            self._expect(")")
            return node
        if token.text == "{":
            self._expect("}")
            return Empty(token.at)
        raise syntax_error("expected an expression", token.at)

    def _literal(self) -> Node | None:
        token = self._token
        if token.kind == "name" and token.text in ("true", "false"):
            literal = Literal(token.text == "true", "System.Boolean", token.at)
        elif token.kind == "string":
            literal = Literal(token.text, "System.String", token.at)
        elif token.kind in ("date", "datetime", "time"):
            literal = temporal_literal(token)
        else:
            return None
        self._take()
        return literal

    def _number(self) -> Node:
        token = self._take()
        unit = self._token
        if unit.kind == "string" or (unit.kind == "name" and unit.text in CALENDAR_UNITS):
            self._take()
            value = literal_quantity(Decimal(token.text), unit.text, calendar=unit.kind == "name")
            return Literal(value, "System.Quantity", token.at)
        if "." in token.text:
            return Literal(Decimal(token.text), "System.Decimal", token.at)
        if len(token.text) > 10 or int(token.text) > 2**31:
            raise syntax_error("the integer is out of range", token.at)
        return Literal(int(token.text), "System.Integer", token.at)

    def _invocation(self, target: Node, first: bool) -> Node:
        token = self._token
        if token.kind == "variable":
            self._take()
            return self._variable(token, target, first)
        name = self._identifier(_NAME_ALSO if first else _NAME_AFTER_DOT)
        if self._is("("):
            return Call(target, name, self._arguments(), token.at)
        return Member(target, name, first, token.at)

    def _variable(self, token: Token, target: Node, first: bool) -> Node:
        if token.text == "this":
            return This(token.at) if first else target
        if token.text in ("index", "total") and first:
            return Variable(token.text, token.at)
        raise syntax_error("unknown variable", token.at)

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        arguments: list[Node] = []
        if not self._is(")"):
            arguments.append(self.expression(0))
            while self._is(","):
                self._take()
                arguments.append(self.expression(0))
        self._expect(")")
        return tuple(arguments)

    def _identifier(self, allowed: frozenset[str] = _NAME_ALSO) -> str:
        token = self._take()
        if token.kind == "quoted" or (
            token.kind == "name" and (token.text not in _KEYWORDS or token.text in allowed)
        ):
            return token.text
        raise syntax_error("expected a name", token.at)


def temporal_literal(token: Token) -> Literal:
    """A date, dateTime or time literal, checked. Its value is its ISO text without ``@`` and ``T``."""
    system = {"date": "System.Date", "datetime": "System.DateTime", "time": "System.Time"}[token.kind]
    text = token.text[1:] if token.kind == "time" else token.text.removesuffix("T")
    if token.kind == "time" and ("Z" in text or "+" in text or "-" in text):
        raise semantic_error("a time has no time zone", token.at)
    if temporal.parse(text, system) is None:
        raise syntax_error("not a valid date or time", token.at)
    return Literal(text, system, token.at)
