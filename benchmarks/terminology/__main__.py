"""``make bench-terminology``: a generated CodeSystem of a million concepts: how it is imported, and how it answers.

``--size`` another size, ``--dense`` also a hierarchy with four parents anywhere before, ``--keep DIR`` keeps the files.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from benchmarks.terminology.material import URL, code_of, vocabulary, write_json
from fhirserver.storage.sqlite.releases.folder import ReleaseFolder
from fhirserver.storage.sqlite.releases.release import SqliteRelease
from terminology.releases.system import ReleaseSystem

PAGE = 20
ASKED = 2_000


def main() -> None:
    options = _options()
    with _folder(options.keep) as folder:
        releases = ReleaseFolder(folder / "terminology")
        if releases.find(URL) is None:
            _measure_import(folder, options.size)
        release = releases.find(URL)
        assert release is not None
        print(f"file: {release.path.stat().st_size / 1e6:,.0f} MB for {release.size:,} concepts")
        measure(release)
        if options.dense:
            _measure_dense(releases, options.dense)


def _options() -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="python -m benchmarks.terminology", description=__doc__)
    made.add_argument("--size", type=int, default=1_000_000, help="concepts (default: %(default)s)")
    made.add_argument(
        "--dense", type=int, default=0, metavar="SIZE", help="also a dense hierarchy of this size"
    )
    made.add_argument(
        "--keep", type=Path, help="folder for the files; a release that is there is not imported anew"
    )
    return made.parse_args()


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


# Import


def _measure_import(folder: Path, size: int) -> None:
    source = folder / "generated.json"
    print(f"writing a CodeSystem of {size:,} concepts …", flush=True)
    write_json(source, size)
    print(f"source: {source.stat().st_size / 1e6:,.0f} MB", flush=True)
    subprocess.run([sys.executable, "-m", "benchmarks.terminology.importing", source, folder], check=True)


def import_alone(source: Path, folder: Path) -> None:
    """In a process of its own, so that its memory is that of the import."""
    from terminology.imports.fhir_json import FhirImport
    from terminology.imports.kind import Given

    one, last, began, step_began = FhirImport(), "", time.monotonic(), time.monotonic()

    def progress(step: str, done: int, of: int) -> None:
        nonlocal last, step_began
        if step != last:
            if last:
                print(f"  {last:24} {time.monotonic() - step_began:6.1f} s", flush=True)
            last, step_began = step, time.monotonic()

    header = one.header(source, Given())
    writer = ReleaseFolder(folder / "terminology").writer(header["url"], header["version"])
    one.read(source, writer, progress)
    for told in writer.finish(header):
        progress(*told)
    progress("", 0, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"import: {time.monotonic() - began:.0f} s, at most {peak:.0f} MB of memory", flush=True)


# Answers


def measure(release: SqliteRelease) -> None:
    system, chance, size = ReleaseSystem(release), random.Random(5), release.size
    codes = [code_of(chance.randrange(size)) for _ in range(ASKED)]
    _told(
        "find a code, with all that is known of it", [lambda code=code: system.find(code) for code in codes]
    )
    pairs = [*zip(codes, reversed(codes), strict=True)]
    pairs += [(code, chance.choice([*system.ancestors(code)])) for code in codes]
    _told(
        "is one below another", [lambda one=one, other=other: system.is_a(one, other) for one, other in pairs]
    )
    wide = sorted(range(1, 300), key=lambda at: -sum(end - first for first, end in release.below(at)))[:20]
    for at in wide[:3]:
        code = next(release.codes([at]))
        condition = {"property": "concept", "op": "is-a", "value": code}
        began = time.perf_counter()
        found = ReleaseSystem(release).select(condition)
        print(f"select is-a of {len(found):,}: {(time.perf_counter() - began) * 1e3:.1f} ms")
    _measure_typing(system, chance)


def _measure_typing(system: ReleaseSystem, chance: random.Random) -> None:
    words = vocabulary()

    def first_page(text: str) -> object:
        return [*system.at(islice(system.search(text), PAGE))]

    for length in range(1, 11):
        fitting = [word[:length] for word in words if len(word) >= length]
        typed = [chance.choice(fitting[: 200 * length]) for _ in range(100)]
        _told(f"first page of {length} letters typed", [lambda text=text: first_page(text) for text in typed])
    two = [" ".join(chance.choice(words)[: chance.randint(1, 5)] for _ in range(2)) for _ in range(200)]
    _told("first page of two words begun", [lambda text=text: first_page(text) for text in two])


def _told(name: str, works: list[Callable[[], object]]) -> None:
    works[0]()
    times = []
    for work in works:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    times.sort()
    p50, p99 = (times[int(len(times) * share)] * 1e3 for share in (0.5, 0.99))
    print(f"{name}: p50 {p50:.3f} ms, p99 {p99:.3f} ms", flush=True)


def _measure_dense(releases: ReleaseFolder, size: int) -> None:
    chance, url, began = random.Random(2), f"{URL}-dense", time.monotonic()
    if releases.find(url) is None:
        writer = releases.writer(url, "1")
        for at in range(size):
            writer.concept(str(at), f"Concept {at}")
            for _ in range(4 if at else 0):
                writer.parent(str(at), str(chance.randrange(at)))
            if at % 100_000 == 0:
                writer.checkpoint("made", at)
        for _ in writer.finish({}):
            pass
        print(f"dense: {size:,} concepts with 4 parents anywhere before: {time.monotonic() - began:.0f} s")
    release = releases.find(url)
    assert release is not None
    pairs = [(chance.randrange(size), chance.randrange(size)) for _ in range(ASKED)]
    _told(
        "dense: is one below another",
        [lambda one=one, other=other: release.is_below(one, other) for one, other in pairs],
    )


if __name__ == "__main__":
    main()
