"""``make bench-terminology``: a generated CodeSystem of a million concepts: how it is imported, and how it answers.

``--size`` another size, ``--links SIZE`` also hierarchies with four parents each, ``--keep DIR`` keeps the files.
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
from functools import partial
from itertools import islice
from pathlib import Path

from benchmarks.terminology.material import URL, code_of, linked, vocabulary, write_json
from fhirserver.storage.sqlite.releases.folder import ReleaseFolder
from fhirserver.storage.sqlite.releases.release import SqliteRelease
from terminology.releases.system import ReleaseSystem, ReleaseSystems
from terminology.service import TerminologyService

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
        _measure_expanding(releases)
        if options.links:
            _measure_links(releases, options.links, 50)
            _measure_links(releases, options.links, options.links)


def _options() -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="python -m benchmarks.terminology", description=__doc__)
    made.add_argument("--size", type=int, default=1_000_000, help="concepts (default: %(default)s)")
    made.add_argument(
        "--links", type=int, default=0, metavar="SIZE", help="also hierarchies with four parents each"
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
    if not source.exists():
        print(f"writing a CodeSystem of {size:,} concepts …", flush=True)
        write_json(source, size)
    print(f"source: {source.stat().st_size / 1e6:,.0f} MB", flush=True)
    subprocess.run([sys.executable, "-m", "benchmarks.terminology.importing", source, folder], check=True)


def import_alone(source: Path, folder: Path) -> None:
    """In a process of its own, so that its memory is that of the import."""
    from terminology.imports.fhir_json import FhirImport
    from terminology.imports.kind import Given

    one, watch = FhirImport(), _Watch()
    header = one.header(source, Given())
    writer = ReleaseFolder(folder / "terminology").writer(header["url"], header["version"])
    one.read(source, writer, watch.told)
    for told in writer.finish(header):
        watch.told(*told)
    watch.ended()


class _Watch:
    """Tells how long each step took, by the clock and of the processor: the machine may be busy with others."""

    def __init__(self) -> None:
        self._step = ""
        self._whole = self._began = self._now()

    def _now(self) -> tuple[float, float]:
        return time.monotonic(), time.process_time()

    def told(self, step: str, _: int, __: int) -> None:
        if step != self._step:
            if self._step:
                print(f"  {self._step:24} {self._since(self._began)}", flush=True)
            self._step, self._began = step, self._now()

    def ended(self) -> None:
        self.told("", 0, 0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"import: {self._since(self._whole)}, at most {peak:.0f} MB of memory", flush=True)

    def _since(self, before: tuple[float, float]) -> str:
        clock, processor = (now - then for now, then in zip(self._now(), before, strict=True))
        return f"{clock:6.1f} s ({processor:.1f} s of the processor)"


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


def _measure_expanding(releases: ReleaseFolder) -> None:
    """``$expand?filter=`` as typed, by the service: all of the system, and what is below one concept."""
    service = TerminologyService(releases=releases, over_release=ReleaseSystems())
    release, chance, words = releases.find(URL), random.Random(7), vocabulary()
    assert release is not None
    for name, at in (("all", 0), ("a large part", 1), ("a small part", release.size // 50)):
        code = next(release.codes([at]))
        included = {"system": URL, "filter": [{"property": "concept", "op": "is-a", "value": code}]}
        value_set = {"resourceType": "ValueSet", "compose": {"include": [included]}}
        typed = [chance.choice(words[:2000])[:length] for length in range(1, 11) for _ in range(30)]
        works = [partial(service.expand, value_set, text, 0, PAGE) for text in typed]
        _told(f"$expand with a filter as typed, of {name}", works)


def _told(name: str, works: list[Callable[[], object]]) -> None:
    """By the clock, and of the processor: where the machine is busy, the clock mostly tells of others."""
    works[0]()
    clock, processor = list[float](), list[float]()
    for work in works:
        began, began_work = time.perf_counter(), time.thread_time()
        work()
        clock.append(time.perf_counter() - began)
        processor.append(time.thread_time() - began_work)
    p50, p99 = (sorted(clock)[int(len(clock) * share)] * 1e3 for share in (0.5, 0.99))
    work99 = sorted(processor)[int(len(processor) * 0.99)] * 1e3
    print(f"{name}: p50 {p50:.3f} ms, p99 {p99:.3f} ms (of the processor {work99:.3f} ms)", flush=True)


def _measure_links(releases: ReleaseFolder, size: int, far: int) -> None:
    """Four parents for each concept, the further ones within ``far`` of the first."""
    name, chance, began = f"{size:,} concepts, 4 parents within {far:,}", random.Random(2), time.monotonic()
    url = f"{URL}-{far}"
    if releases.find(url) is None:
        writer = releases.writer(url, "1")
        for number, parents in linked(size, far):
            writer.concept(str(number), f"Concept {number}")
            for parent in parents:
                writer.parent(str(number), str(parent))
            if number % 100_000 == 0:
                writer.checkpoint("made", number)
        for _ in writer.finish({}):
            pass
        print(f"{name}: imported in {time.monotonic() - began:.0f} s", flush=True)
    release = releases.find(url)
    assert release is not None
    numbers = [chance.randrange(size) for _ in range(ASKED)]
    pairs = [*zip(numbers, reversed(numbers), strict=True)]
    pairs += [(one, chance.choice(release.above(one))) for one in numbers[:200]]
    _told(f"{name}: is one below another", [lambda a=a, b=b: release.is_below(a, b) for a, b in pairs])


if __name__ == "__main__":
    main()
