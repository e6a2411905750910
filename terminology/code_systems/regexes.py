"""The regular expressions of filters: anyone may write them, so they are matched in linear time.

RE2 has no look-around and no back-references, which is what makes others run for ever on a hostile pattern.
https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import re2

from fhirserver.kernel.outcomes import Category, refuse

Test: TypeAlias = Callable[[str], bool]
"""Whether a text passes."""

_LONGEST = 2000
_MEMORY = 4 * 1024 * 1024
"""Bytes that one compiled pattern may take: what needs more is refused."""


@lru_cache(64)
def compile_regex(pattern: str) -> Test:
    """The whole text must match. Refuses what is no regex (``invalid``) and what is too big (``too-costly``)."""
    if len(pattern) > _LONGEST:
        raise refuse(Category.UNPROCESSABLE, "too-costly", "A filter's regex is too long")
    try:
        matches = re2.compile(pattern, _options()).fullmatch
    except re2.error as error:
        if "too large" in str(error) or "repetition size" in str(error):
            raise refuse(Category.UNPROCESSABLE, "too-costly", "A filter's regex is too big") from None
        if "perl operator" in str(error) or "escape sequence" in str(error):
            text = "A filter's regex looks around or back, which is not supported"
            raise refuse(Category.UNPROCESSABLE, "not-supported", text) from None
        raise refuse(Category.UNPROCESSABLE, "invalid", "A filter's regex is not valid") from None
    return lambda text: matches(text) is not None


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return options


def unsupported(op: str) -> Exception:
    """The refusal of an operator that is not known, or not for this property or system."""
    known = op if op.isascii() and len(op) < 20 else "given"
    return refuse(Category.UNPROCESSABLE, "not-supported", f"The filter operator {known} is not supported")
