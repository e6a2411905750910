"""The payer directory: names however they are divided, regions, files that are wrong."""

from __future__ import annotations

import pytest

from fhirserver.world.judge.directory import InvalidDirectory, default_directory, parse_directory


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ("it's care source", ["CareSource"]),
        ("U H C", ["UnitedHealthcare"]),
        ("united health care", ["UnitedHealthcare"]),
        ("Blue Cross Blue Shield of Texas", ["Blue Cross Blue Shield of TX"]),
        ("bcbs", ["Blue Cross Blue Shield"]),
        ("not Medicare, Medicaid", ["Medicare", "Medicaid"]),
        ("Florida Blue", ["Florida Blue"]),
        ("I live in Roanoke, VA", []),
    ],
)
def test_payers_are_found_by_what_they_are_called(said: str, keys: list[str]) -> None:
    assert [found.value for found in default_directory().named_in(said)] == keys


def test_a_payer_of_the_world_adds_its_names() -> None:
    known = default_directory().including("Sunrise Mutual", ("sun mutual",))
    assert [f.value for f in known.named_in("sun mutual")] == ["Sunrise Mutual"]
    assert known.key("Sunrise Mutual Insurance") == "Sunrise Mutual"
    assert default_directory().including("Aetna", ("old aetna plan",)).key("Old Aetna Plan") == "Aetna"


def test_shapes_are_known_of_some() -> None:
    medicare = default_directory().find("Medicare")
    assert medicare is not None
    assert medicare.fits("1EG4-TE5-MK73")
    assert not medicare.fits("W123456789")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[payr]]", "unknown table 'payr'"),
        ("payer = 1", "payer"),
        ("[[payer]]\nnam = 'x'", "payer 1: unknown member 'nam'"),
        ("[[payer]]\naliases = []", "payer 1: name is needed"),
        ("[[payer]]\nname = 'x'\nid = '('", "payer 1: id is no regular expression"),
        ("[[payer]]\nname = 'x'\nregional = 1", "payer 1: regional is a bool"),
        ("[", "not TOML"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(InvalidDirectory, match=words.replace("(", r"\(")):
        parse_directory(text)
