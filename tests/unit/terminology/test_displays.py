"""Whether a display is right: the words, where it is that of the system's own language or is no longer used."""

from __future__ import annotations

import pytest

from terminology.validating.displays import DisplayCheck, Languages, Shown

TEXTS = [Shown("Bee", "en"), Shown("Honeybee", "en"), Shown("Drone", "en", status="withdrawn")]


def check(display: str, *texts: Shown, language: str = "", lenient: bool = False) -> tuple[str, str, str]:
    found = DisplayCheck(Languages(language), lenient, "en").check(
        texts or TEXTS, display, "urn:s#b", "Coding"
    )
    assert found is not None
    return found.severity, found.type, found.text


@pytest.mark.parametrize(
    ("display", "which"),
    [("Bee", "the default language display"), ("Honeybee", "a valid display for the default language")],
)
def test_a_display_of_the_systems_own_language_where_there_is_none_in_that_asked_for(
    display: str, which: str
) -> None:
    assert check(display, language="fr") == (
        "information",
        "invalid-display",
        "There are no valid display names found for the code urn:s#b for language(s) 'fr'. The display is"
        f" '{display}' which is {which}",
    )


@pytest.mark.parametrize(("lenient", "severity"), [(False, "error"), (True, "warning")])
def test_a_display_that_is_no_longer_used(lenient: bool, severity: str) -> None:
    words = "'Drone' is no longer considered a correct display for code 'b' (status = withdrawn). The correct display"
    assert check("drone", lenient=lenient) == (
        severity,
        "display-comment",
        f"{words} is one of Bee,Honeybee",
    )
    assert check("drone", TEXTS[0], TEXTS[2], lenient=lenient)[2] == f"{words} is 'Bee'"
