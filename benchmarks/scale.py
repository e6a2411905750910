"""``python -m benchmarks.scale``: do indexed searches stay as fast while the data grows?

A server is started with fresh data, filled to each size in turn, and asked the same kinds of question over one
connection, in rounds. What counts is the ratio of the medians: the machine is the same, only the data grew.

``SIZES``
    how many resources, ascending (10000,1000000)
``SECONDS``
    how long each question is asked at each size (4)
``WORKERS``, ``DATA``, ``OUT``
    as for ``python -m benchmarks``; OUT is a JSON list of ``{resources, op, p50_ms, p99_ms}``

Exit code 1 where an answer was wrong or a median grew by more than half.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks.dataset import CODES, IDENTIFIER, SEED, observation
from benchmarks.load import LoadFailed
from benchmarks.measure import Figures, measure
from benchmarks.operations import Operation, WrongAnswer
from benchmarks.server import Target, started
from benchmarks.wire import Address, Request, drive
from fhirserver.kernel.json import dumps, loads, pretty
from tests.server_process import ServerFailed

Json = dict[str, Any]
ENTRIES = 100
"""Resources of one transaction: one patient and the observations about them."""
LANES = 4
PAGE = 20
ALLOWED = 1.5
_SYLLABLES = ("ba", "do", "fi", "gu", "ka", "lo", "me", "ni", "po", "ra", "su", "te", "vo", "xi", "yu", "ze")


def family(number: int) -> str:
    """A family name that about one patient in four thousand has, whatever the size."""
    chance = random.Random(number)
    return "".join(chance.choice(_SYLLABLES) for _ in range(3)).capitalize()


def patient(number: int) -> Json:
    chance = random.Random(SEED + number)
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "identifier": [{"system": IDENTIFIER, "value": f"S{number:07d}"}],
        "name": [{"family": family(number), "given": [chance.choice(("Ada", "Bruno", "Dana", "Hana"))]}],
        "telecom": [{"system": "phone", "value": f"+1555{number:07d}"}],
        "gender": chance.choice(("female", "male")),
        "birthDate": f"{chance.randrange(1930, 2020)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}",
    }


def transaction(number: int) -> bytes:
    """One patient with observations, under ids that are known beforehand."""
    chance = random.Random(SEED - number - 1)
    subject = {"reference": f"Patient/p{number}"}
    seen = [{**observation(chance), "id": f"o{number}-{n}", "subject": subject} for n in range(ENTRIES - 1)]
    entry = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in (patient(number), *seen)
    ]
    return dumps({"resourceType": "Bundle", "type": "transaction", "entry": entry})


async def fill(address: Address, first: int, beyond: int, progress: Progress) -> float:
    """Load the patients ``first`` to ``beyond`` with all their observations. Returns resources per second."""
    task = progress.add_task(
        f"loading up to {beyond * ENTRIES:,} resources", total=(beyond - first) * ENTRIES
    )
    numbers = iter(range(first, beyond))
    begun = time.perf_counter()

    def following() -> Request | None:
        number = next(numbers, None)
        if number is None:
            return None
        progress.update(task, completed=(number - first) * ENTRIES)
        return Request(address.request("POST", "", transaction(number)), 0, 200)

    tally = await drive(address, LANES, following)
    progress.remove_task(task)
    if tally.wrong or tally.broken:
        raise LoadFailed(f"loading failed: {tally.wrong} {tally.sample.decode(errors='replace')}")
    return (beyond - first) * ENTRIES / (time.perf_counter() - begun)


def questions(address: Address, patients: int) -> list[Operation]:
    """The same kinds of question at every size, about patients spread over all that there are."""
    chance = random.Random(SEED)
    numbers = [chance.randrange(patients) for _ in range(500)]
    return [
        _reads(address, numbers),
        _searches(address, "patient by identifier", (_by_identifier(n) for n in numbers), exact=1),
        _searches(address, "patient by name", (f"Patient?name={family(n)}&_count={PAGE}" for n in numbers)),
        _searches(address, "patient by phone", (f"Patient?phone=%2B1555{n:07d}" for n in numbers), exact=1),
        _searches(address, "patient by family, birth date", (_by_birth(n) for n in numbers)),
        _searches(address, "observation by patient, code, date", (_chart(n, chance) for n in numbers)),
        _searches(address, "observation by patient, newest", (_newest(n) for n in numbers), exact=PAGE),
        _searches(address, "observation by chained identifier", (_chained(n, chance) for n in numbers)),
        _searches(address, "patient with _revinclude", (_with_reverse(n) for n in numbers)),
    ]


def _by_identifier(number: int) -> str:
    return "Patient?" + urlencode({"identifier": f"{IDENTIFIER}|S{number:07d}"})


def _by_birth(number: int) -> str:
    one = patient(number)
    return "Patient?" + urlencode({"family": family(number), "birthdate": one["birthDate"]})


def _chart(number: int, chance: random.Random) -> str:
    code = f"http://loinc.org|{chance.choice(CODES)[0]}"
    asked = {"patient": f"Patient/p{number}", "code": code, "date": "ge2017-01-01", "_sort": "-date"}
    return "Observation?" + urlencode({**asked, "_count": PAGE})


def _newest(number: int) -> str:
    return "Observation?" + urlencode({"patient": f"p{number}", "_sort": "-date", "_count": PAGE})


def _chained(number: int, chance: random.Random) -> str:
    code = f"http://loinc.org|{chance.choice(CODES)[0]}"
    who = f"{IDENTIFIER}|S{number:07d}"
    return "Observation?" + urlencode({"subject:Patient.identifier": who, "code": code, "_count": PAGE})


def _with_reverse(number: int) -> str:
    asked = {"_id": f"p{number}", "_revinclude": "Observation:subject"}
    return "Patient?" + urlencode(asked)


def _reads(address: Address, numbers: list[int]) -> Operation:
    wires = [Request(address.request("GET", f"Patient/p{n}"), k, 200) for k, n in enumerate(numbers)]

    def check(key: int, body: bytes) -> None:
        if loads(body)["id"] != f"p{numbers[key]}":
            raise WrongAnswer("read: another patient")

    return Operation("read", itertools.cycle(wires), check)


def _searches(address: Address, name: str, asked: Iterator[str], exact: int = 0) -> Operation:
    """``exact``: how many entries each answer must have; otherwise at least one."""
    wires = [Request(address.request("GET", one), key, 200) for key, one in enumerate(asked)]

    def check(key: int, body: bytes) -> None:
        found = len(loads(body).get("entry", ()))
        if found != exact if exact else not found:
            raise WrongAnswer(f"{name}: {found} entries")

    return Operation(name, itertools.cycle(wires), check)


async def sized(
    target: Target, sizes: list[int], seconds: float, console: Console
) -> dict[int, dict[str, Figures]]:
    """The figures of every question at every size."""
    figures: dict[int, dict[str, Figures]] = {}
    loaded = 0
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        for size in sizes:
            patients = size // ENTRIES
            rate = await fill(target.address, loaded, patients, progress)
            loaded = patients
            console.print(f"{size:,} resources; the last were loaded at {rate:,.0f} a second")
            figures[size] = {
                one.name: await measure(target, one, 1, seconds, seconds / 4)
                for one in questions(target.address, patients)
            }
    return figures


def show(figures: dict[int, dict[str, Figures]], console: Console) -> bool:
    """Print medians and their ratios; whether all is right."""
    sizes = list(figures)
    table = Table("question", *(f"p50 ms at {size:,}" for size in sizes), "ratio")
    right = True
    for name in figures[sizes[0]]:
        row = [figures[size][name] for size in sizes]
        medians = [one.percentile_ms(0.5) for one in row]
        error = next((one.error for one in row if one.error), "")
        ratio = medians[-1] / medians[0] if medians[0] else 0.0
        right = right and not error and ratio <= ALLOWED
        table.add_row(name, *(f"{median:.3f}" for median in medians), error or f"{ratio:.2f}")
    console.print(table)
    return right


def write(figures: dict[int, dict[str, Figures]], out: str) -> None:
    rows = [
        {
            "resources": size,
            "op": name,
            "p50_ms": round(one.percentile_ms(0.5), 4),
            "p99_ms": round(one.percentile_ms(0.99), 4),
        }
        for size, of_size in figures.items()
        for name, one in of_size.items()
    ]
    Path(out).write_bytes(pretty(rows) + b"\n")


def main() -> int:
    env, console = os.environ, Console(width=None if sys.stdout.isatty() else 110)
    sizes = [int(one) for one in (env.get("SIZES") or "10000,1000000").split(",")]
    try:
        with started(env.get("DATA", ""), int(env.get("WORKERS") or 0)) as target:
            figures = asyncio.run(sized(target, sizes, float(env.get("SECONDS") or 4), console))
    except (LoadFailed, ServerFailed, OSError, ValueError) as error:
        console.print(f"benchmarks: {error}", markup=False)
        return 1
    if out := env.get("OUT"):
        write(figures, out)
    return 0 if show(figures, console) else 1


if __name__ == "__main__":
    sys.exit(main())
