"""``python -m benchmarks.terminology.snomed``: a generated release of the size of SNOMED CT (RF2, 360,000 concepts, 1.5
million relationships): how it is imported, how subsumption is answered, and what expression constraints take.

``--concepts`` and ``--relationships`` another size, ``--keep DIR`` keeps the files for the next time.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path

from fhirserver.storage.sqlite.releases.folder import ReleaseFolder
from fhirserver.storage.sqlite.releases.release import SqliteRelease
from terminology.ecl.evaluating import Evaluator
from terminology.ecl.parsing import parse
from terminology.ecl.substrate import OverRelease
from terminology.imports.kind import Given
from terminology.imports.snomed.header import SNOMED
from terminology.imports.snomed.release import SnomedImport
from tests.unit.terminology.imports.rf2 import generate, sctid

ASKED = 5_000
TOP, MIDDLE, LOW = sctid(2), sctid(40), sctid(300)
FIRST, SECOND = sctid(10), sctid(11)
CONSTRAINTS = (
    f"<< {TOP}",
    f"<< {TOP} MINUS << {MIDDLE}",
    f"<! {MIDDLE}",
    f">> {sctid(9_000)}",
    f"^ {sctid(5)}",
    f"<< {TOP} : {FIRST} = << {LOW}",
    f"<< {TOP} : {FIRST} = << {TOP}",
    f"* : {{ {FIRST} = *, {SECOND} = << {TOP} }}",
    f"<< {TOP} : [2..*] {FIRST} = *",
    f"* : R {FIRST} = << {LOW}",
    f"<< {LOW} . {FIRST}",
    f"<< {TOP} : * = << {LOW}",
    f'<< {TOP} {{{{ term = "fracture bone" }}}}',
    f'<< {LOW} {{{{ term = wild:"*pain*", dialect = en-us (prefer) }}}}',
    "* {{ C definitionStatus = defined }}",
    f"!!> (<< {MIDDLE})",
    f"!!< (<< {MIDDLE})",
    "< *",
)


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        releases = ReleaseFolder(folder / "terminology")
        if releases.find(SNOMED) is None:
            _import(folder / "rf2", releases, options.concepts, options.relationships)
        release = releases.find(SNOMED)
        assert release is not None
        print(f"file: {release.path.stat().st_size / 1e6:,.0f} MB for {release.size:,} concepts")
        _subsumption(release)
        for text in CONSTRAINTS:
            _constraint(release, text)


def _options() -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="python -m benchmarks.terminology.snomed", description=__doc__)
    made.add_argument("--concepts", type=int, default=360_000, help="default: %(default)s")
    made.add_argument("--relationships", type=int, default=1_500_000, help="default: %(default)s")
    made.add_argument(
        "--keep", type=Path, help="folder for the files; a release that is there is not imported anew"
    )
    return made.parse_args()


def _import(source: Path, releases: ReleaseFolder, concepts: int, relationships: int) -> None:
    if not source.exists():
        print(f"writing {concepts:,} concepts and {relationships:,} relationships …", flush=True)
        generate(source, concepts, relationships)
    start = time.perf_counter()
    header = SnomedImport().header(source, Given())
    writer = releases.writer(header["url"], header["version"])
    SnomedImport().read(source, writer, lambda step, done, of: None)
    print(f"read: {time.perf_counter() - start:.0f} s, {_megabytes()} MB at most", flush=True)
    for _ in writer.finish(header):
        pass
    print(f"imported: {time.perf_counter() - start:.0f} s, {_megabytes()} MB at most", flush=True)


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _subsumption(release: SqliteRelease) -> None:
    chance = random.Random(1)
    pairs = [(chance.randrange(release.size), chance.randrange(release.size)) for _ in range(ASKED)]
    took = []
    for one, other in pairs:
        start = time.perf_counter()
        release.is_below(one, other)
        took.append(time.perf_counter() - start)
    took.sort()
    print(
        f"subsumption: p50 {took[ASKED // 2] * 1e6:.0f} µs, p99 {took[ASKED * 99 // 100] * 1e6:.0f} µs",
        flush=True,
    )


def _constraint(release: SqliteRelease, text: str) -> None:
    start = time.perf_counter()
    found = len(Evaluator(OverRelease(release)).select(parse(text)))
    print(f"{(time.perf_counter() - start) * 1000:9.1f} ms  {found:8,}  {text}", flush=True)


if __name__ == "__main__":
    main()
