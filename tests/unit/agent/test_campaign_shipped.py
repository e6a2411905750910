"""The campaigns that are shipped: right by the strict schema, in two languages, and each says how to be left alone."""

from __future__ import annotations

import re

import pytest

from agent.campaigns.definition import ByEvent, campaign
from agent.campaigns.shipped import shipped
from fhirserver.ports.campaigns import Template

ALL = shipped()


def test_the_four_are_there() -> None:
    assert [campaign(one.document).purpose for one in ALL] == ["confirm", "follow_up", "rebook", "missing"]
    assert all(one.title and one.description and re.fullmatch(r"[a-z-]+", one.id) for one in ALL)


@pytest.mark.parametrize("template", ALL, ids=lambda one: one.id)
def test_each_is_right_and_speaks_both_languages(template: Template) -> None:
    read = campaign(template.document)
    assert read.languages == ("en", "es") and read.consent == "required"
    (written,) = {step.channel for step in read.channels} & {"sms", "form"}
    for language in read.languages:
        words = read.words(written, language)
        assert ("{link}" in words) == (written == "form")
        assert "STOP" in words and "{practice}" in words and len(words) <= 160, len(words)
    assert read.audience is not None or all(isinstance(one, ByEvent) for one in read.triggers)
