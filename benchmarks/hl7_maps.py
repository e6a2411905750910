"""``python -m benchmarks.hl7_maps [FOLDER]``: what parsing and converting a message costs.

Milliseconds of processor time, the best of several rounds, for each message of the folder (that of the corpus, or any
with ``*.hl7``), and for a message of our own that looks like most: an ADT^A01 with PID, NK1, PV1, AL1 and IN1. Before
them, for an ordinary feed (:mod:`benchmarks.adt_feed`), from its bytes: each message about another patient, and the
same messages again. ``FOLDER`` "" measures the feed only.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from adapters.hl7v2.charset import decode
from adapters.hl7v2.convert.engine import convert
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.message import parse
from benchmarks.adt_feed import STAY, message

ORDINARY = "\r".join(
    (
        r"MSH|^~\&|ADT|NORTH|CREDENCE|X|20250301120000||ADT^A01^ADT_A01|1|P|2.5.1",
        "EVN|A01|20250301120000",
        "PID|1||4711^^^NORTH^MR||Moss^Eve^A||19800229|F|||1 Elm St^^Springfield^IL^62701||^PRN^PH^^^217^5551234",
        "NK1|1|Moss^Adam|SPO^Spouse^HL70063|1 Elm St^^Springfield^IL^62701|^PRN^PH^^^217^5551235",
        "PV1|1|I|W1^R2^B3^NORTH|R|||7^House^Gregory^^^Dr|||MED|||||||||V100^^^NORTH^VN"
        + "|" * 25
        + "20250301113000",
        "AL1|1|DA|70618^Penicillin^RXNORM|SV|Hives",
        "IN1|1|HMO^Plan|P1^^^PAYERS|Payer Inc|PO Box 1^^Springfield^IL^62701||||G1||||20250101|||HMO|Moss^Eve|SEL",
    )
)


def cost(text: str, site: Site, rounds: int = 10, times: int = 10) -> float:
    """Milliseconds of processor time for parsing and conversion: the best of the rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(times):
            convert(parse(text), site)
        best = min(best, (time.process_time() - start) / times)
    return best * 1000


def feed_cost(site: Site, is_new: bool, lots: int = 60) -> float:
    """Milliseconds of processor time for a message of a feed, from its bytes: the best of the lots."""
    best = float("inf")
    for lot in range(lots):
        numbers = range(20 * lot, 20 * lot + 20) if is_new else range(20)
        raw = [message(number, number % len(STAY), f"B{number}") for number in numbers]
        start = time.process_time()
        for one in raw:
            decoded = decode(one)
            convert(parse(decoded.text, decoded.encoding), site)
        spent = (time.process_time() - start) / len(raw)
        best = min(best, spent) if lot >= lots // 4 else best
    return best * 1000


def main(folder: str = "../shared/corpus/hl7v2/messages") -> None:
    site = Site()
    texts = {"an ordinary ADT^A01": ORDINARY}
    if folder:
        texts |= {path.stem: path.read_bytes().decode() for path in sorted(Path(folder).glob("*.hl7"))}
    table = Table("message", "segments", "resources", "ms")
    for name, is_new in (("a feed about ever new patients", True), ("the same messages again", False)):
        table.add_row(name, "", "", f"{feed_cost(site, is_new):.2f}")
    for name, text in texts.items():
        made = convert(parse(text), site)
        segments = str(len(parse(text).segments))
        table.add_row(name, segments, str(len(made.resources)), f"{cost(text, site):.2f}")
    Console().print(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
