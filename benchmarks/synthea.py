"""``python -m benchmarks.synthea``: how fast Synthea bundles are imported.

The hospital and practitioner bundles first, as the others refer to them by conditional references, then every
patient's transaction, ``ROUNDS`` times (3) over ``CONNECTIONS`` connections (4). ``CORPUS``, ``WORKERS``,
``DATA`` as for ``python -m benchmarks``. Exit code 1 where a bundle was not accepted.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tarfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks.load import LoadFailed
from benchmarks.server import Target, started
from benchmarks.wire import Address, Request, drive
from fhirserver.kernel.json import loads
from tests.server_process import ServerFailed


def bundles(archive: Path) -> tuple[list[bytes], list[bytes]]:
    """The bundles that others refer to, and those of the patients."""
    with tarfile.open(archive) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers() if member.isfile()}
        read = {name: file.read() for name, file in sorted(files.items()) if file}
    first = [body for name, body in read.items() if Path(name).name.startswith("0-")]
    return first, [body for name, body in read.items() if not Path(name).name.startswith("0-")]


async def post(address: Address, bodies: list[bytes], connections: int) -> float:
    """Post all; seconds taken."""
    waiting = iter([Request(address.request("POST", "", body), key, 200) for key, body in enumerate(bodies)])
    begun = time.perf_counter()
    tally = await drive(address, connections, lambda: next(waiting, None))
    if tally.wrong or tally.broken:
        raise LoadFailed(f"{tally.wrong}, {tally.broken} broken: {tally.sample.decode(errors='replace')}")
    return time.perf_counter() - begun


async def run(target: Target, archive: Path, rounds: int, connections: int) -> tuple[int, float, float]:
    """Resources of the patients' bundles imported, seconds, and the server's processor seconds."""
    first, patients = bundles(archive)
    await post(target.address, first, 1)
    count = sum(len(loads(body)["entry"]) for body in patients)
    before = target.cpu_seconds() or 0.0
    seconds = await post(target.address, patients * rounds, connections)
    return count * rounds, seconds, (target.cpu_seconds() or 0.0) - before


def main() -> int:
    env, console = os.environ, Console(width=None if sys.stdout.isatty() else 110)
    archive = Path(env.get("CORPUS") or "../shared/corpus") / "synthea-10.tar.xz"
    try:
        with started(env.get("DATA", ""), int(env.get("WORKERS") or 0)) as target:
            work = run(target, archive, int(env.get("ROUNDS") or 3), int(env.get("CONNECTIONS") or 4))
            count, seconds, cpu = asyncio.run(work)
            memory = target.resident_mb() or 0
    except (LoadFailed, ServerFailed, OSError, ValueError) as error:
        console.print(f"benchmarks: {error}", markup=False)
        return 1
    each = cpu / count * 1000
    console.print(f"{count:,} resources in {seconds:.1f} s: {count / seconds:,.0f} a second")
    console.print(f"{each:.3f} ms of processor time a resource; {memory:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
