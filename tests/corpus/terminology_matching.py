"""Whether an answer is what a test of the terminology ecosystem expects: expected resources are templates.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/testcases.html: the order of arrays never matters; what the words
between dollars mean is said there. Stricter than the published runner: extensions are compared, and fragments with a
colon in them as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from fhirserver.kernel.json import Json, JsonObject, dumps

_WORDS: dict[str, str] = {
    "id": r"[A-Za-z0-9\-.]{1,64}",
    "uuid": r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "date": r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
    "url": r"[a-z][a-z0-9+.\-]*:\S+",
    "token": r"[A-Za-z][A-Za-z0-9_\-.]*",
    "semver": r"\d+(\.\d+){1,2}([\-+.][0-9A-Za-z\-.+]+)?",
    "string": r"(?s:\S|\S.*\S)",
}
_CONTROL = re.compile(r"\$(optional|only|optional-properties|count-arrays.*)\$")


@dataclass(frozen=True, slots=True)
class Matcher:
    """``modes`` are those of the run, ``externals`` a server's own texts by number, ``open``: more may be there."""

    modes: frozenset[str] = frozenset({"general"})
    version: str = "4.0.1"
    externals: dict[str, str] = field(default_factory=dict)
    open: bool = False

    def differs(self, expected: Json, actual: Json, path: str = "") -> str:
        """The first difference, or an empty text."""
        if isinstance(expected, dict) and isinstance(actual, dict):
            return self._objects(expected, actual, path)
        if isinstance(expected, list) and isinstance(actual, list):
            return self._arrays(expected, actual, path)
        if isinstance(expected, str) and isinstance(actual, str) and self.text_matches(expected, actual):
            return ""
        if (
            not isinstance(expected, (str, dict, list))
            and type(expected) is type(actual)
            and expected == actual
        ):
            return ""
        return f"{path or 'it'} is {_short(actual)}, not {_short(expected)}"

    def _objects(self, expected: JsonObject, actual: JsonObject, path: str) -> str:
        optional = expected.get("$optional-properties$", [])
        counted = [
            name for key, names in expected.items() if key.startswith("$count-arrays") for name in names
        ]
        for name, value in actual.items():
            if name not in expected:
                if self.open:
                    continue
                return f"{path} has {name}: {_short(value)}"
            problem = self._property(expected, name, value, counted, f"{path}.{name}")
            if problem:
                return problem
        missing = [
            name
            for name in expected
            if name not in actual
            and not _CONTROL.fullmatch(name)
            and name not in optional
            and "*" not in optional
        ]
        return f"{path} lacks {missing[0]}: {_short(expected[missing[0]])}" if missing else ""

    def _property(self, expected: JsonObject, name: str, value: Json, counted: list[str], path: str) -> str:
        wanted = expected[name]
        if name in counted and isinstance(value, list) and isinstance(wanted, list):
            same = len(value) == len(wanted)
            return "" if same else f"{path} has {len(value)} entries, not {len(wanted)}"
        if name == "valueString" and expected.get("name") == "message":
            return self.differs(_sorted_message(wanted), _sorted_message(value), path)
        return self.differs(wanted, value, path)

    def _arrays(self, expected: list[Json], actual: list[Json], path: str) -> str:
        """Each entry that is there is expected, and each that is needed is there, in any order."""
        wanted = [one for one in expected if not self._prohibited(one)]
        differences = [[self.differs(want, have, path) for have in actual] for want in wanted]
        fits = [[not text for text in row] for row in differences]
        needed = [number for number, want in enumerate(wanted) if not self._optional(want)]
        unmet = _unmatched(needed, range(len(actual)), lambda want, have: fits[want][have])
        if unmet is not None:
            return _lacking(path, wanted[unmet], differences[unmet])
        surplus = (
            None
            if self.open
            else _unmatched(range(len(actual)), range(len(wanted)), lambda have, want: fits[want][have])
        )
        return "" if surplus is None else f"{path} has {_short(actual[surplus])}"

    def _optional(self, expected: Json) -> bool:
        return isinstance(expected, dict) and self._passes(expected.get("$optional$", False))

    def _prohibited(self, expected: Json) -> bool:
        return isinstance(expected, dict) and "$only$" in expected and not self._passes(expected["$only$"])

    def _passes(self, filter: Json) -> bool:
        if not isinstance(filter, str):
            return bool(filter)
        if filter.startswith("version:"):
            return self.version.startswith(filter.removeprefix("version:"))
        if filter.startswith("warning:"):
            return True
        return filter[1:] not in self.modes if filter.startswith("!") else filter in self.modes

    def text_matches(self, expected: str, actual: str) -> bool:
        """Whether a text is what the template says."""
        word = expected[1:-1] if len(expected) > 1 and expected[0] == expected[-1] == "$" else None
        if word is None:
            return expected.replace("$version$", self.version) == actual or (
                "<div" in expected and "<div" in actual
            )
        kind, _, rest = word.partition(":")
        if kind == "choice":
            return actual in rest.split("|")
        if kind == "fragments":
            return _has_all(rest, actual)
        if kind == "external":
            number, _, fragments = rest.partition(":")
            return (
                actual == self.externals[number] if number in self.externals else _has_all(fragments, actual)
            )
        if word == "version":
            return actual == self.version
        return not word or re.fullmatch(_WORDS[word], actual) is not None


def _has_all(fragments: str, actual: str) -> bool:
    return all(fragment.lower() in actual.lower() for fragment in fragments.split("|"))


def _sorted_message(text: Json) -> Json:
    """The sentences of a message in alphabetical order: they are made in any."""
    if not isinstance(text, str) or text.startswith("$"):
        return text
    return "; ".join(sorted(text.split("; ")))


def _unmatched(left: Iterable[int], right: Iterable[int], fits: Callable[[int, int], bool]) -> int | None:
    """One of ``left`` that finds no partner of its own in ``right``, if there must be one."""
    partner: dict[int, int] = {}
    choices = list(right)

    def find(one: int, tried: set[int]) -> bool:
        for other in choices:
            if other in tried or not fits(one, other):
                continue
            tried.add(other)
            if other not in partner or find(partner[other], tried):
                partner[other] = one
                return True
        return False

    return next((one for one in left if not find(one, set())), None)


def _lacking(path: str, wanted: Json, differences: list[str]) -> str:
    """What is missing, and how the entry that comes nearest differs: the one whose difference lies deepest."""
    nearest = max(differences, key=lambda text: text.split(" ")[0].count("."), default="")
    return f"{path} lacks {_short(wanted)}" + (f"; nearest: {nearest}" if nearest else "")


def _short(value: Json) -> str:
    if isinstance(value, dict):
        value = {name: held for name, held in value.items() if not name.startswith("$")}
    return dumps(value).decode()[:300]
