"""How the parts of a ``compose`` and what comes of them are said in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology_browsing import Reason


def versioned(url: str, version: str) -> str:
    return f"{url} version {version}" if version else url


def part_words(part: JsonObject) -> str:
    """What an include or exclude is about: ``codes of http://loinc.org that pass 2 filters``."""
    imports = [*part.get("valueSet", ())]
    sets = (
        f"{'value set' if len(imports) == 1 else 'all of the value sets'} {' and '.join(map(str, imports))}"
    )
    if "system" not in part:
        return f"what is in {sets}" if imports else "nothing"
    url = versioned(str(part["system"]), str(part.get("version", "")))
    return f"{_which(part)} of {url}" + (f", as far as they are in {sets}" if imports else "")


def _which(part: JsonObject) -> str:
    if "concept" in part:
        return _counted(len(part["concept"]), "listed code")
    if part.get("filter"):
        return f"the codes that pass {_counted(len(part['filter']), 'filter')}"
    return "all codes"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def summary(includes: Sequence[Reason], excludes: Sequence[Reason], active: Reason | None) -> str:
    """In one sentence what the parts come to."""
    held = _names(includes, True)
    if not held:
        return _not_held(includes)
    begin = f"{held[0]} holds it" if len(held) == 1 else f"{_joined(held)} hold it"
    removing, unclear = _names(excludes, True), _names(excludes, None)
    if removing:
        return f"{begin}, but {_joined(removing).lower()} {_take(removing)} it out again."
    if unclear:
        unsure = f"it cannot be told whether {_joined(unclear).lower()} {_take(unclear)} it out"
        return f"{begin}, but {unsure}: {cause(excludes)}."
    if active is not None and not active.holds:
        return f"{begin}, but the value set leaves out inactive codes, and it is inactive."
    return f"{begin}, and no exclude takes it out." if excludes else f"{begin}."


def _not_held(includes: Sequence[Reason]) -> str:
    if not includes:
        return "The value set includes nothing."
    unclear = _names(includes, None)
    if unclear:
        holds = "holds" if len(unclear) == 1 else "hold"
        return f"It cannot be told whether {_joined(unclear).lower()} {holds} it: {cause(includes)}."
    return f"{_first(includes)} does not hold it." if len(includes) == 1 else "No include holds it."


def _names(parts: Sequence[Reason], holds: bool | None) -> list[str]:
    return [_first([one]) for one in parts if one.holds is holds]


def _first(parts: Sequence[Reason]) -> str:
    """``Include 1``"""
    return parts[0].what.partition(":")[0]


def _take(names: Sequence[str]) -> str:
    return "takes" if len(names) == 1 else "take"


def _joined(names: Sequence[str]) -> str:
    """``Include 1, include 2 and include 3``"""
    first, *others = names
    later = [one.lower() for one in others]
    return f"{', '.join((first, *later[:-1]))} and {later[-1]}" if later else first


def cause(steps: Sequence[Reason]) -> str:
    """Why it cannot be told: what the first step that is open comes down to."""
    at = next(one for one in steps if one.holds is None)
    while inner := next((one for one in at.steps if one.holds is None), None):
        at = inner
    return at.why
