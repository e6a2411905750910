"""Text to tokens. https://hl7.org/fhirpath/N1/grammar.html"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fhirserver.model.fhirpath.errors import syntax_error

MAX_LENGTH = 100_000
"""Longest expression accepted, in characters."""

_TIME = r"\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?"
_TOKEN = re.compile(
    rf"""
    (?P<space>[ \t\r\n]+|//[^\r\n]*|/\*(?:[^*]|\*(?!/))*\*/)
  | (?P<datetime>@\d{{4}}(?:-\d\d(?:-\d\d)?)?T(?:{_TIME}(?:Z|[+-]\d\d:\d\d)?)?)
  | (?P<date>@\d{{4}}(?:-\d\d(?:-\d\d)?)?)
  | (?P<time>@T{_TIME}(?:Z|[+-]\d\d:\d\d)?)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<quoted>`(?:[^`\\]|\\.)*`)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<variable>\$[a-z]+)
  | (?P<constant>%(?:[A-Za-z_][A-Za-z0-9_]*|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'))
  | (?P<symbol><=|>=|!=|!~|[-+*/&|<>=~.,()\[\]{{}}])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_CONTROL = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Token(NamedTuple):
    """``kind`` is one of ``name quoted string number date datetime time variable constant symbol end``."""

    kind: str
    text: str
    at: int


def tokens(expression: str) -> list[Token]:
    """The tokens of ``expression``, the last of kind ``end``. Raises a syntax error."""
    if len(expression) > MAX_LENGTH:
        raise syntax_error(f"the expression is longer than {MAX_LENGTH} characters", MAX_LENGTH)
    return [*_scan(expression), Token("end", "", len(expression))]


def _scan(expression: str) -> Iterator[Token]:
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup is None:
            raise syntax_error("unexpected character", at)
        if match.lastgroup != "space":
            yield Token(match.lastgroup, _plain(match.lastgroup, match.group()), at)
        at = match.end()


def _plain(kind: str, text: str) -> str:
    if kind in ("string", "quoted"):
        return _unescape(text[1:-1])
    if kind == "constant":
        return _unescape(text[2:-1]) if text[1] in "`'" else text[1:]
    if kind in ("date", "datetime", "time", "variable"):
        return text[1:]
    return text


def _unescape(text: str) -> str:
    return unescaped(text, _CONTROL) if "\\" in text else text


def unescaped(text: str, controls: Mapping[str, str]) -> str:
    """``text`` with ``\\uXXXX`` and control escapes replaced; before others the ``\\`` is dropped."""

    def character(match: re.Match[str]) -> str:
        code = match.group(1)
        return chr(int(code[1:], 16)) if len(code) == 5 else controls.get(code, code)

    return _ESCAPE.sub(character, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
