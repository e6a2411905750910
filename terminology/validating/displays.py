"""Whether a display is one of a code, in the languages that are asked for.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/languages.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Concept, Designation
from terminology.validating.findings import Finding
from terminology.validating.messages import STANDARDS_STATUS, at

_DISPLAY_USES = {
    ("http://terminology.hl7.org/CodeSystem/designation-usage", "display"),
    ("http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra", "preferredForLanguage"),
}
_LEVELS = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """One text that stands for a code. ``is_display``: it may be the display, and is no other kind of name."""

    text: str
    language: str = ""
    is_display: bool = True
    status: str = ""

    @property
    def is_active(self) -> bool:
        return self.status not in ("withdrawn", "deprecated", "inactive")


def shown(concept: Concept) -> list[Shown]:
    """The texts of a concept: its display first."""
    own = [Shown(concept.display, concept.language)] if concept.display else []
    return own + [of_designation(one) for one in concept.designations]


def of_designation(designation: Designation) -> Shown:
    use = designation.use or {}
    is_display = not use or (str(use.get("system", "")), str(use.get("code", ""))) in _DISPLAY_USES
    statuses = (
        one.get("valueCode", "") for one in designation.extensions if one.get("url") == STANDARDS_STATUS
    )
    return Shown(designation.value.strip(), designation.language, is_display, str(next(iter(statuses), "")))


def of_include(concept: JsonObject, language: str) -> list[Shown]:
    """The texts that a value set itself gives a code."""
    found = [Shown(str(concept["display"]).strip(), language)] if concept.get("display") else []
    return found + [
        Shown(str(one.get("value", "")).strip(), str(one.get("language", "")))
        for one in concept.get("designation", ())
    ]


class Languages:
    """Those asked for, the best first: as in ``Accept-Language``. ``text`` is as it was given."""

    def __init__(self, text: str = ""):
        ranked: list[tuple[float, str]] = []
        for part in text.split(","):
            tag, _, quality = part.partition(";")
            weight = _quality(quality)
            if tag.strip() and tag.strip() != "*" and weight > 0:
                ranked.append((-weight, tag.strip()))
        ranked.sort(key=lambda pair: pair[0])
        self.tags = tuple(tag for _, tag in ranked)
        self.text = text.strip() if self.tags else ""

    def fits(self, language: str, level: int = _LEVELS) -> bool:
        """Whether a text in ``language`` will do: 1 the same tag, 2 the same language and region, 3 the same language.
        One that says no language always does, and all do where none is asked for."""
        return not self.tags or not language or any(_same(tag, language, level) for tag in self.tags)

    def best(self, texts: Sequence[Shown]) -> str:
        """The display to answer with; empty where there is none in these languages."""
        for tag in self.tags:
            for level in range(1, _LEVELS + 1):
                fitting = [one for one in texts if one.language and _same(tag, one.language, level)]
                if fitting:
                    return next((one.text for one in fitting if one.is_display), fitting[0].text)
        rest = texts if not self.tags else [one for one in texts if not one.language]
        return _first(rest)


def _first(texts: Sequence[Shown]) -> str:
    for fits in (lambda one: one.is_display and one.is_active, lambda one: one.is_display, lambda one: True):
        for one in texts:
            if fits(one):
                return one.text
    return ""


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def _same(tag: str, language: str, level: int) -> bool:
    asked, has = tag.lower().split("-"), language.lower().split("-")
    if level == 1:
        return asked == has
    return asked[:2] == has[:2] if level == 2 else asked[0] == has[0]


@dataclass(frozen=True, slots=True)
class DisplayCheck:
    """``lenient``: a wrong display is a warning. ``default``: the language of the code system."""

    languages: Languages
    lenient: bool
    default: str = ""

    def check(self, texts: Sequence[Shown], display: str, named: str, path: str) -> Finding | None:
        """What is wrong with a display of the code ``named`` (``system#code``); None where all is well."""
        fitting = [one for one in texts if one.text and self.languages.fits(one.language)]
        right = [one for one in fitting if _key(one.text) == _key(display)]
        if right:
            return (
                None if any(one.is_active for one in right) else self._outdated(texts, right[0], named, path)
            )
        choices = self._choices(texts)
        if choices:
            return self._wrong(choices, fitting, display, named, path)
        return self._none_in_languages(texts, display, named, path)

    def _choices(self, texts: Sequence[Shown]) -> list[Shown]:
        """The displays in the languages asked for: those with just their tag, else those near to it."""
        for level in range(1, _LEVELS + 1):
            found = [
                one
                for one in texts
                if one.is_display and one.text and self.languages.fits(one.language, level)
            ]
            if found:
                return found
        return []

    def _wrong(
        self, choices: Sequence[Shown], fitting: Sequence[Shown], display: str, named: str, path: str
    ) -> Finding:
        spaces = any(_key(" ".join(one.text.split())) == _key(" ".join(display.split())) for one in fitting)
        wrong, id = ("Wrong whitespace in", "_WS") if spaces else ("Wrong", "")
        number = f"one of {len(choices)} choices: " if len(choices) > 1 else ""
        names = _either(f"'{one.text}'" + (f" ({one.language})" if one.language else "") for one in choices)
        text = (
            f"{wrong} Display Name '{display}' for {named}. Valid display is {number}{names} (for the language(s)"
            f" '{self.languages.text or '--'}')"
        )
        return self._finding(f"Display_Name{id}_for__should_be_one_of__instead_of", text, path)

    def _none_in_languages(self, texts: Sequence[Shown], display: str, named: str, path: str) -> Finding:
        default = Languages(self.default).best(texts) or _first(texts)
        if not default:
            text = f"Cannot validate display Name '{display}' for {named}: No displays are known."
            return self._finding("NO_VALID_DISPLAY_AT_ALL", text, path, "warning")
        of_default = (one for one in texts if Languages(self.default).fits(one.language))
        asked = self.languages.text
        if any(_key(one.text) == _key(display) for one in of_default):
            is_own = _key(display) == _key(default)
            which = "the default language display" if is_own else "a valid display for the default language"
            text = (
                f"There are no valid display names found for the code {named} for language(s) '{asked}'. The display is"
                f" '{display}' which is {which}"
            )
            return self._finding("NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK", text, path, "information")
        text = (
            f"Wrong Display Name '{display}' for {named}. There are no valid display names found for language(s)"
            f" '{asked}'. Default display is '{default}'"
        )
        return self._finding("NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR", text, path)

    def _outdated(self, texts: Sequence[Shown], used: Shown, named: str, path: str) -> Finding:
        """A display that is no longer used is as wrong as any other, and may be let pass as one."""
        right = [one.text for one in texts if one.is_active and one.text]
        code = named.rpartition("#")[2]
        text = (
            f"'{used.text}' is no longer considered a correct display for code '{code}' (status = {used.status}). The"
            f" correct display is {'one of ' + ','.join(right) if len(right) > 1 else _either(map(repr, right))}"
        )
        severity = "warning" if self.lenient else "error"
        return Finding(
            severity, "invalid", "display-comment", "INACTIVE_DISPLAY_FOUND", text, at(path, "display")
        )

    def _finding(self, id: str, text: str, path: str, severity: str = "") -> Finding:
        severity = severity or ("warning" if self.lenient else "error")
        return Finding(severity, "invalid", "invalid-display", id, text, at(path, "display"), told=True)


def same_text(one: str, other: str) -> bool:
    """Whether two displays are the same: case does not count."""
    return _key(one) == _key(other)


def _key(text: str) -> str:
    return text.strip().casefold()


def _either(names: Iterable[str]) -> str:
    given = list(names)
    return given[0] if len(given) == 1 else f"{', '.join(given[:-1])} or {given[-1]}"
