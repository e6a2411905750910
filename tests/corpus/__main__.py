"""``python -m tests.corpus``: run every suite over ``../shared/corpus``, or another folder, ``CORPUS=DIR``.

Prints ``suite NAME: P passed, F failed, S skipped`` for each suite whose material is there, then what
failed and why. ``OUT=FILE`` writes the same as JSON, a list of ``{suite, passed, failed, skipped,
failures}``. Exit code 0 only if everything that failed stands in ``known_failures.toml``.

``python -m tests.corpus SUITE …`` runs only these.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from fhirserver.kernel.json import pretty
from tests.corpus.registry import SUITES
from tests.corpus.suite import Result, attempt

KNOWN = Path(__file__).with_name("known_failures.toml")
Known = dict[tuple[str, str], str]


def known_failures(path: Path = KNOWN) -> Known:
    """Suite and case to the reason why it may fail. Every entry must have one."""
    entries = tomllib.loads(path.read_text("utf-8")).get("failure", [])
    return {(entry["suite"], entry["name"]): entry["reason"] for entry in entries}


def results(corpus: Path, only: list[str]) -> Iterator[Result]:
    """Run the suites whose material is there, one process each, as many at once as there are processors."""
    chosen = [suite for suite in SUITES if not only or suite.name in only]
    present = [(suite.name, where) for suite in chosen if (where := suite.found(corpus))]
    for suite in chosen:
        if suite.absent and suite.name not in dict(present):
            print(f"suite {suite.name}: {suite.absent}")
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        yield from pool.map(_attempt, present)


def _attempt(job: tuple[str, tuple[Path, ...]]) -> Result:
    return attempt(next(suite for suite in SUITES if suite.name == job[0]), job[1])


def show(result: Result, known: Known) -> int:
    """Print one suite; answer how many failures nobody knew of."""
    passed, failed, skipped = result.counts()
    print(f"suite {result.suite}: {passed} passed, {failed} failed, {skipped} skipped")
    unknown = 0
    for name, reason in result.failures():
        excuse = known.get((result.suite, name))
        unknown += excuse is None
        print(f"  {name}: {reason}" + (f" [known: {excuse}]" if excuse else ""))
    verdicts = {name: passed for name, passed, _ in result.cases}
    for suite, name in known:
        if suite == result.suite and verdicts.get(name):
            print(f"  {name} passes by now: take it out of {KNOWN.name}")
    sys.stdout.flush()
    return unknown


def main(only: list[str]) -> int:
    corpus = Path(os.environ.get("CORPUS") or "../shared/corpus")
    if not corpus.is_dir():
        print(f"there is no folder {corpus}; say CORPUS=DIR", file=sys.stderr)
        return 2
    known = known_failures()
    done: list[Result] = []
    unknown = 0
    for result in results(corpus, only):
        unknown += show(result, known)
        done.append(result)
    if not done:
        print(f"no suite has material in {corpus}", file=sys.stderr)
    if out := os.environ.get("OUT"):
        Path(out).write_bytes(pretty([result.as_json(known) for result in done]) + b"\n")
    if unknown:
        print(f"{unknown} failures do not stand in {KNOWN.relative_to(Path.cwd())}")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
