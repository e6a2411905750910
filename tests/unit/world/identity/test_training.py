"""Expectation maximisation finds the chances that pairs were made with, without being told which pair is which."""

from __future__ import annotations

import random

import pytest

from fhirserver.kernel.json import loads
from fhirserver.world.identity import training
from fhirserver.world.identity.training import Chances, counted, learned
from scripts.train_identity import LEVELS, ROOT, guess

SMALL = dict.fromkeys(("given", "birthDate", "email", "phone", "address"), ("same", "different"))
MADE: dict[str, dict[str, float]] = {
    "person": {"given": 0.85, "birthDate": 0.9, "email": 0.6, "phone": 0.7, "address": 0.8},
    "household": {"given": 0.02, "birthDate": 0.03, "email": 0.05, "phone": 0.8, "address": 0.95},
    "strangers": {"given": 0.05, "birthDate": 0.1, "email": 0.02, "phone": 0.01, "address": 0.04},
}
SHARES = {"person": 0.2, "household": 0.5, "strangers": 0.3}


def made(count: int, seed: int = 1) -> list[dict[str, str]]:
    chance = random.Random(seed)
    kinds = chance.choices(list(SHARES), list(SHARES.values()), k=count)
    return [
        {field: "same" if chance.random() < p else "different" for field, p in MADE[kind].items()}
        for kind in kinds
    ]


def first(own: float, shared: float) -> Chances:
    chances = {field: own if field in ("given", "birthDate", "email") else shared for field in SMALL}
    return {field: {"same": p, "different": 1 - p} for field, p in chances.items()}


def test_the_chances_are_found_again() -> None:
    start = {"person": first(0.8, 0.6), "household": first(0.1, 0.9), "strangers": first(0.1, 0.1)}
    found, shares = learned(made(20_000), start, SMALL, rounds=200)
    for kind in ("person", "household"):
        assert shares[kind] == pytest.approx(SHARES[kind], abs=0.06)
        for field, chance in MADE[kind].items():
            assert found[kind][field]["same"] == pytest.approx(chance, abs=0.06), (kind, field)


def test_what_one_does_not_state_is_not_counted() -> None:
    chances = counted([{"given": "same"}, {"given": "different"}, {}], SMALL)
    assert chances["given"] == {"same": 0.5, "different": 0.5}
    assert sum(chances["phone"].values()) == pytest.approx(1)


def test_nothing_is_impossible() -> None:
    chances = counted([{"given": "same"}] * 100, SMALL)
    assert 0 < chances["given"]["different"] < 0.01
    assert training._SMOOTHING > 0


def test_the_shipped_parameters_are_chances_of_all_levels() -> None:
    table = loads((ROOT / "fhirserver/world/identity/parameters.json").read_bytes())
    assert {field: tuple(of) for field, of in table.items()} == LEVELS
    for field, of in table.items():
        for kind in range(3):
            total = sum(float(chances[kind]) for chances in of.values())
            assert total == pytest.approx(1, abs=0.08), (field, kind)
            assert all(0 < float(chances[kind]) <= 1 for chances in of.values())


def test_the_first_guess_is_of_chances() -> None:
    for of in guess(0.8, 0.05).values():
        assert sum(of.values()) == pytest.approx(1)
