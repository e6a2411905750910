"""``python -m tests.fuzz``: 20,000 mutated resources and queries against a server of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psutil
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from fhirserver.model.definitions import definitions
from tests.fuzz.deeper import Asker, Division
from tests.fuzz.run import Report, Target, fuzz, load, summary, write_failures
from tests.server_process import ServerProcess


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=20_000, help="how many cases (default: %(default)s)")
    arguments.add_argument(
        "--seed", type=int, default=1, help="which cases: the same seed makes the same ones"
    )
    arguments.add_argument("--case", type=int, nargs="*", help="only the cases of these numbers")
    arguments.add_argument(
        "--connections", type=int, default=4, help="how many at once (default: %(default)s)"
    )
    arguments.add_argument(
        "--seconds", type=float, default=10, help="how long an answer may take (default: %(default)s)"
    )
    arguments.add_argument(
        "--keep", type=Path, default=Path("build/fuzz"), help="folder for failures (default: %(default)s)"
    )
    options = arguments.parse_args()
    (options.keep / "failures.txt").unlink(missing_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="credence-fuzz-") as folder,
        ServerProcess(Path(folder)) as server,
    ):
        target = Target(server.base, server.tokens, options.seconds)
        report, lines = asyncio.run(_run(target, options)), []
        for name, value in summary(report).items():
            print(f"{name}: {value}")
        print(f"memory: {psutil.Process(server.pid).memory_info().rss / 1e6:.0f} MB")
        lines = write_failures(report, target, options.keep)
        lines += asyncio.run(_divide(target))
        faults = [
            line for line in server.log_tail(10**7).splitlines() if "fault " in line or "Traceback" in line
        ]
        server.stop()
        print(server.rebuild_and_verify())
    return _tell(report, lines, faults, options.keep)


async def _run(target: Target, options: argparse.Namespace) -> Report:
    print(f"{await load(target)} resources loaded")
    numbers = options.case if options.case else range(options.count)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("fuzzing", total=len(numbers))
        return await fuzz(
            target, numbers, options.seed, options.connections, lambda _: progress.advance(task)
        )


async def _divide(target: Target) -> list[str]:
    """Every parameter of every type: those that have it and those that lack it are all there are."""
    wire = target.wire()
    with Progress() as progress:
        task = progress.add_task("dividing", total=len(definitions().resource_types))
        division = Division(Asker(lambda case: target.send(wire, case)), lambda: progress.advance(task))
        await division.sweep()
    wire.close()
    print(
        f"{division.checked} parameters divide their type"
        + (f", {len(division.found)} do not" * bool(division.found))
    )
    return division.found


def _tell(report: Report, lines: list[str], faults: list[str], folder: Path) -> int:
    if not lines and not faults:
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "failures.txt").write_text("\n".join([*lines, *faults]), "utf-8", "backslashreplace")
    for (kind, problem), times in Counter(
        (one.case.kind, one.problem[:110]) for one in report.failures
    ).most_common(40):
        print(f"{times:>5} × {kind}: {problem}")
    print(f"{len(faults)} faults in the server's log; all in {folder / 'failures.txt'}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
