"""Learn the parameters of matching anew: ``python -m scripts.train_identity``.

Makes people and distorted records of them (``benchmarks/made_people.py``), takes pairs by chance and pairs that
blocking finds, and learns from them, without being told which pairs are of one person, how much each agreement tells.
The result is ``fhirserver/world/identity/parameters.json``: for each field and level how often pairs of one person, of
one household and of strangers agree so.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.made_people import Maker
from fhirserver.world.identity.person import Person, compare, person_of
from fhirserver.world.identity.training import Chances, counted, learned

ROOT = Path(__file__).resolve().parents[1]
PEOPLE, RECORDS, RANDOM_PAIRS = 6000, 4000, 150_000
LEVELS = {
    "identifier": ("same", "near", "different"),
    "given": ("same", "nickname", "slip", "close", "initial", "part", "swapped", "different"),
    "family": ("same", "close", "part", "swapped", "different"),
    "generation": ("same", "different"),
    "birthDate": ("same", "near", "partial", "year", "day", "different"),
    "gender": ("same", "different"),
    "phone": ("same", "near", "different"),
    "email": ("same", "near", "different"),
    "address": ("same", "near", "part", "town", "different"),
}
_BELIEVED = {
    # Person, household, strangers. Among so few made people no number is another's by chance, and counting can only say
    # "rare". Real numbers are unique, but a husband's stands in his wife's record now and then.
    ("identifier", "same"): (0.866, 2e-5, 1e-9),
    # Made numbers are taken by chance; real ones were once given in order, so that twins may have neighbouring ones.
    ("identifier", "near"): (0.07, 0.01, 3e-4),
    # The table knows all made given names.
    ("given", "close"): (0.02, 0.004, 4e-4),
    # Who moves in the made world moves anywhere; people mostly move within their town.
    ("address", "part"): (0.01, 0.005, 0.00437),
    ("address", "town"): (0.05, 0.02, 0.0156),
}
"""What made data cannot tell."""
_PERSONAL = ("identifier", "given", "generation", "birthDate", "email")
"""What members of one household do not share: the first guess by which they are told from records of one person."""


def guess(same: float, personal: float) -> Chances:
    """A first guess: the chance that fields are the same, and that those of one person are."""
    return {
        field: {
            level: (p if level == "same" else (1 - p) / (len(levels) - 1))
            for p in (personal if field in _PERSONAL else same,)
            for level in levels
        }
        for field, levels in LEVELS.items()
    }


def records(seed: int) -> list[Person]:
    """Normalised records: people, and distorted records of some of them."""
    maker = Maker(seed)
    people = list(maker.people(PEOPLE))
    again = [maker.distorted(one, 3) for one in maker.chance.sample(people, RECORDS)]
    return [person_of(one) for one in (*people, *again)]


def blocked(people: list[Person]) -> Iterator[tuple[Person, Person]]:
    """The pairs that share something rare."""
    blocks: defaultdict[object, list[int]] = defaultdict(list)
    for number, one in enumerate(people):
        for key in _keys(one):
            blocks[key].append(number)
    pairs = {
        pair for block in blocks.values() if len(block) < 60 for pair in itertools.combinations(block, 2)
    }
    return ((people[a], people[b]) for a, b in sorted(pairs))


def _keys(one: Person) -> Iterator[object]:
    yield from one.phones | one.emails
    if len(one.birth) == 10:
        yield one.birth
    yield from one.identities
    for name in one.names:
        yield name.first, name.family
    for place in one.places:
        yield place.lines, place.number


def levels_of(pair: tuple[Person, Person]) -> dict[str, str]:
    return {found.field: found.level for found in compare(*pair)}


def train(seed: int) -> tuple[dict[str, Chances], dict[str, float]]:
    """The chances of each kind of pair, and the share of each among the blocked pairs."""
    people, strangers, chance = records(seed), records(seed + 1), random.Random(seed)
    by_chance = ((chance.choice(people), chance.choice(strangers)) for _ in range(RANDOM_PAIRS))
    kinds = {
        "person": guess(0.8, 0.8),
        "household": guess(0.8, 0.05),
        "strangers": guess(0.1, 0.1),
    }
    kinds, shares = learned([levels_of(pair) for pair in blocked(people)], kinds, LEVELS)
    return {**kinds, "strangers": counted(map(levels_of, by_chance), LEVELS)}, shares


def main() -> int:
    kinds, shares = train(2026)
    parameters = {
        field: {level: [float(f"{of[field][level]:.3g}") for of in kinds.values()] for level in levels}
        for field, levels in LEVELS.items()
    }
    for (field, level), believed in _BELIEVED.items():
        parameters[field][level] = list(believed)
    lines = ",\n".join(f" {json.dumps(field)}: {json.dumps(of)}" for field, of in parameters.items())
    target = ROOT / "fhirserver" / "world" / "identity" / "parameters.json"
    target.write_text(f"{{\n{lines}\n}}\n", "utf-8")
    for kind, share in shares.items():
        print(f"{share:.3f} of the pairs that blocking found: {kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
