"""How well insurance cards are read: ``python -m benchmarks.cards [FIRST] [HOW MANY]``.

Cards of the generator (``tests/insurance_cards.py``) by their seeds, through the real recogniser: precision (of what
was read, how much is as printed) and recall (of what is printed, how much was read so) of each field, and what was
wrong although it was called sure (0.8 and more).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter

from agent.cards.reader import CardReader
from agent.cards.reading import Card
from agent.cards.tesseract import Tesseract
from tests.insurance_cards import DrawnCard, drawn

FIELDS = ("payer", "member", "group", "plan", "name", "effective", "rx_bin", "rx_pcn", "rx_group", "phone")
SURE = 0.8


def stands(card: DrawnCard, field: str) -> str:
    """What is printed, as it is to be read."""
    text = str(getattr(card.printed, field))
    return text.replace("-", "").removeprefix("1") if field == "phone" else text


async def main(first: int, many: int) -> None:
    reader = CardReader(Tesseract(at_once=2))
    cards = [drawn(seed) for seed in range(first, first + many)]
    began = time.perf_counter()
    read: list[Card] = await asyncio.gather(*(reader.read(card.png) for card in cards))
    took = time.perf_counter() - began
    right, wrong, sure, missed = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for card, found in zip(cards, read, strict=True):
        for field in FIELDS:
            value = found.value(field)
            if value == stands(card, field):
                right[field] += 1
            elif value:
                wrong[field] += 1
                sure[field] += getattr(found, field).confidence >= SURE
            else:
                missed[card.photo] += 1
    print(f"{many} cards from seed {first}, {took / many:.2f} s each with two at once\n")
    print(f"{'field':10} precision  recall  wrong and sure")
    for field in FIELDS:
        said = right[field] + wrong[field]
        print(f"{field:10} {right[field] / max(said, 1):9.3f} {right[field] / many:7.3f} {sure[field]:15}")
    print("\nmissed, by photo:", dict(missed.most_common()))


if __name__ == "__main__":
    asyncio.run(main(int((sys.argv[1:] or ["1000"])[0]), int((sys.argv[2:] or ["100"])[0])))
