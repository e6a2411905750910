"""What ``credence doctor`` says of forms."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

from fhirserver.app.checkup.finding import Grade
from fhirserver.app.checkup.forms import forms
from fhirserver.app.commands.init import configuration
from fhirserver.app.settings import Settings, parse_settings


def settings(text: str = "") -> Settings:
    """A fresh configuration, with or without the source of forms."""
    document = tomllib.loads(configuration()[0], parse_float=Decimal)
    if text == "old":
        document["source"] = [one for one in document["source"] if one["id"] != "patient-form"]
    if text == "narrow":
        narrow = next(one for one in document["source"] if one["id"] == "patient-form")
        narrow["types"], narrow["acts_on"] = ["Patient", "Task", "QuestionnaireResponse"], ["Task"]
    if text == "off":
        document["forms"] = {"enabled": False}
    return parse_settings(document, Path())


def test_a_fresh_configuration_has_all() -> None:
    (found,) = forms(settings())
    assert found.grade is Grade.GOOD and "patient-form" in found.words
    assert [one.words for one in forms(settings("off"))] == ["off"]


def test_an_old_one_is_told_what_it_lacks() -> None:
    (found,) = forms(settings("old"))
    assert found.grade is Grade.WARNING and "patient-form" in found.words and "credence init" in found.todo
    types, acts = forms(settings("narrow"))
    assert "Coverage" in types.words and "QuestionnaireResponse" in acts.words
