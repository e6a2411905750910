"""Foreign words as data: what callers say and what records hold never looks like anything but a quotation."""

from __future__ import annotations

import re
import unicodedata

from fhirserver.kernel.json import JsonObject, dumps

LONGEST = 600
_MARKS = re.compile(r"[<>{}\[\]|`\\#*=_~^]+")
_HIDDEN = frozenset(("Cc", "Cf", "Co", "Cs", "Zl", "Zp"))


def quoted(text: str, longest: int = LONGEST) -> str:
    """``text`` on one line, without marks that could delimit anything and without characters nobody sees."""
    seen = "".join(
        " " if unicodedata.category(c) in _HIDDEN else c for c in unicodedata.normalize("NFKC", text)
    )
    return " ".join(_MARKS.sub(" ", seen).split())[:longest]


def as_json(value: JsonObject) -> str:
    """JSON text of values that were quoted."""
    return dumps(value).decode()
