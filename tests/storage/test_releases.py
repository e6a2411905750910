"""The store of imported releases: whole or not at all, in place by one rename, right on any hierarchy."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.terminology import Designation
from fhirserver.storage.sqlite.releases import closure, schema
from fhirserver.storage.sqlite.releases.folder import ReleaseFolder, version_key
from fhirserver.storage.sqlite.releases.packing import pack, pack_runs, runs_of, unpack, unpack_runs
from fhirserver.storage.sqlite.releases.release import SqliteRelease
from tests.storage.release_work import URL, import_some

Links = Sequence[tuple[str, str]]


def written(
    releases: ReleaseFolder, codes: Sequence[str], links: Links = (), version: str = "1", **header: object
) -> SqliteRelease:
    """A release whose displays are the codes."""
    writer = releases.writer(URL, version)
    try:
        for code in codes:
            writer.concept(code, f"Display of {code}")
        for code, parent in links:
            writer.parent(code, parent)
        assert all(step for step, _, _ in writer.finish({"name": version, **header}))
    finally:
        writer.close()
    release = releases.find(URL, version)
    assert release is not None
    return release


@pytest.fixture
def releases(tmp_path: Path) -> ReleaseFolder:
    return ReleaseFolder(tmp_path / "terminology")


# Numbers as bytes


@given(st.lists(st.integers(0, 1 << 31), unique=True).map(sorted))
def test_packed_numbers_come_out_as_they_went_in(numbers: list[int]) -> None:
    assert [*unpack(pack(numbers))] == numbers
    runs = [*runs_of(numbers)]
    assert unpack_runs(pack_runs(runs)) == runs
    assert [one for first, end in runs if end - first < 100 for one in range(first, end)] == numbers


# Hierarchies


def _dag(seed: int, size: int, most: int) -> list[tuple[int, int]]:
    chance = random.Random(seed)
    return [
        (at, above)
        for at in range(1, size)
        for above in chance.sample(range(at), min(at, chance.randint(0, most)))
    ]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 60), st.integers(1, 4), st.booleans())
def test_what_is_above_and_below_is_what_walking_finds(seed: int, size: int, most: int, tight: bool) -> None:
    """Also where sets are too big to keep, and the walk is guided by labels."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        if tight:
            for name, value in (("MOST_ABOVE", 2), ("MOST_RUNS", 1), ("SLACK", 5), ("ABOVE_EACH", 0)):
                patched.setattr(closure, name, value)
        pairs = _dag(seed, size, most)
        links = [(str(one), str(other)) for one, other in pairs]
        release = written(ReleaseFolder(Path(folder)), [str(at) for at in range(size)], links)
        codes = [*release.codes(range(size))]
        above: list[set[str]] = []
        for at in range(size):  # parents come before their children here
            above.append({str(at)}.union(*(above[other] for one, other in pairs if one == at)))
        for number, code in enumerate(codes):
            assert {*release.codes(release.above(number))} == above[int(code)]
            below = {other for other in codes if code in above[int(other)]}
            runs = release.below(number)
            assert {codes[at] for first, end in runs for at in range(first, end)} == below
            assert all(end < first for (_, end), (first, _) in pairwise(runs))
            assert {other for other in range(size) if release.is_below(other, number)} == {
                number for first, end in runs for number in range(first, end)
            }
        release.close()


def test_numbers_follow_the_first_parents_in_the_order_of_writing(releases: ReleaseFolder) -> None:
    links = [("d", "b"), ("d", "a"), ("c", "a"), ("b", "a")]
    release = written(releases, ["z", "d", "c", "b", "a"], links)
    assert [*release.codes(range(5))] == ["z", "a", "c", "b", "d"]
    assert release.below(1) == ((1, 5),)
    assert [release.flagged(flag) for flag in ("root", "leaf")] == [[(0, 2)], [(0, 1), (2, 3), (4, 5)]]


@pytest.mark.parametrize(
    ("codes", "links", "why"),
    [
        ("abc", ["ab", "bc", "ca"], "circle: the code"),
        ("ab", ["aa"], "the code a is above itself"),
        ("ab", ["ax"], "The code x is a parent and no concept"),
        ("ab", ["xa"], "The code x has a parent and is no concept"),
        ("aba", [], "The code a is there twice"),
    ],
)
def test_what_is_no_hierarchy_is_refused_and_nothing_is_seen(
    releases: ReleaseFolder, codes: str, links: list[str], why: str
) -> None:
    with pytest.raises(Refusal, match=why):
        written(releases, codes, [(one[0], one[1]) for one in links])
    assert releases.find(URL) is None
    assert [*releases.all()] == []


def test_a_fragment_may_speak_of_what_it_leaves_out(releases: ReleaseFolder) -> None:
    release = written(releases, "ab", [("a", "x"), ("y", "a"), ("a", "b")], content="fragment")
    assert [*release.codes(range(2))] == ["b", "a"]


def test_a_chain_of_any_length(releases: ReleaseFolder) -> None:
    size = 5_000
    codes = [str(at) for at in range(size)]
    release = written(releases, codes, [*zip(codes[1:], codes, strict=False)])
    assert release.is_below(size - 1, 0) and not release.is_below(0, size - 1)
    assert (release.below(1), len(release.above(size - 1))) == (((1, size),), size)


def test_subsumption_in_a_dense_hierarchy_takes_no_walk_through_all_of_it(releases: ReleaseFolder) -> None:
    """Four parents anywhere before: thousands above each, and too many pairs to keep."""
    size, chance = 6_000, random.Random(3)
    links = [(str(at), str(chance.randrange(at))) for at in range(1, size) for _ in range(4)]
    release = written(releases, [str(at) for at in range(size)], links)
    numbers = [chance.randrange(size) for _ in range(300)]
    release.is_below(numbers[0], numbers[1])
    began = time.perf_counter()
    for one, other in zip(numbers, reversed(numbers), strict=True):
        release.is_below(one, other)
    assert (time.perf_counter() - began) / len(numbers) < 0.005


# Words


def test_what_is_exactly_the_text_comes_first_then_short_displays(releases: ReleaseFolder) -> None:
    writer = releases.writer(URL, "1")
    for code, display in (
        ("1", "Diabetes mellitus type 2"),
        ("2", "Diabetes"),
        ("3", "Old diabetes"),
        ("4", "Dia"),
    ):
        writer.concept(code, display)
    writer.concept("DIABETES-X", "Something else")
    writer.designation("4", Designation("Zuckerkrankheit, größte", "de"))
    for _ in writer.finish({}):
        pass
    release = releases.find(URL)
    assert release is not None

    def found(text: str) -> list[str]:
        return [*release.codes(release.search(text))]

    assert found("diabetes") == ["2", "3", "DIABETES-X", "1"]
    assert found("DIABÉTES mel") == ["1"]
    for text in ("zuckerkrankheit", "größt zucker", "grosst", "Zuckerkrankheit größte"):
        assert found(text) == ["4"]
    assert found("x diab") == found("diabetes-x") == ["DIABETES-X"]
    assert found("iabetes") == found("") == found('"*') == found("  ( ") == []
    assert [*islice(release.search("d"), 2)] == [release.number("4"), release.number("2")]


# Files


def test_running_servers_see_an_import_while_they_read_the_old_one(
    releases: ReleaseFolder, tmp_path: Path
) -> None:
    assert (releases.generation(), [*releases.versions(URL)], releases.remove(URL, "1")) == (0, [], False)
    old = written(releases, "ab")
    other = ReleaseFolder(tmp_path / "terminology")  # another process
    first = other.generation()
    reading = other.find(URL)
    assert reading is not None
    going_on = reading.concepts([0, 1, 0, 1])
    assert next(going_on).code == "a"
    written(releases, "xyz")
    assert other.generation() != first
    assert [one.code for one in going_on] == ["b", "a", "b"]
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.extend(reading.codes([0, 1])))  # has no connection yet
    thread.start()
    thread.join()
    assert seen == ["a", "b"]
    new = other.find(URL)
    assert new is not None and new is not reading and new.number("z") == 2 and old.number("z") is None
    assert releases.remove(URL, "1") and other.find(URL) is None and new.number("x") == 0


def test_versions_are_by_date_where_all_have_one_and_else_by_number(releases: ReleaseFolder) -> None:
    for version in ("2.9", "2.77", "2.8"):
        written(releases, "a", version=version)
    assert releases.versions(URL) == ["2.77", "2.9", "2.8"]
    newest = releases.find(URL)
    assert newest is not None and newest.version == "2.77"
    for version, date in (("2.9", "2024-01"), ("2.77", "2022"), ("2.8", "2023-12-01")):
        written(releases, "a", version=version, date=date)
    assert releases.versions(URL) == ["2.9", "2.8", "2.77"]
    assert sorted(["07012024", "10", "x", "9.x"], key=version_key) == ["9.x", "10", "07012024", "x"]


def test_a_file_of_another_kind_in_the_folder_is_passed_over(releases: ReleaseFolder, tmp_path: Path) -> None:
    written(releases, "a")
    (tmp_path / "terminology" / "0-000001.release").write_bytes(b"nothing of ours" * 100)
    (tmp_path / "terminology" / "note.txt").write_text("mine")
    assert [header["count"] for header in releases.all()] == [1]


def test_two_imports_of_one_release_at_once_are_refused(releases: ReleaseFolder) -> None:
    writer = releases.writer(URL, "1")
    with pytest.raises(Refusal, match="by another process"):
        releases.writer(URL, "1")
    releases.writer(URL, "2").close()
    writer.close()
    releases.writer(URL, "1").close()


def test_nothing_is_left_of_what_was_discarded_or_finished(releases: ReleaseFolder, tmp_path: Path) -> None:
    writer = releases.writer(URL, "1")
    writer.concept("a")
    writer.checkpoint("file", 1)
    writer.discard()
    assert writer.progress == {}
    writer.close()
    written(releases, "b")
    assert [*(tmp_path / "terminology" / "unfinished").iterdir()] == []


def test_what_another_version_left_unfinished_begins_anew(releases: ReleaseFolder, tmp_path: Path) -> None:
    writer = releases.writer(URL, "1")
    writer.checkpoint("file", 1)
    writer.close()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "FORMAT", schema.FORMAT + 1)
        other = releases.writer(URL, "1")
        assert other.progress == {}
        other.close()
    assert [*(tmp_path / "terminology" / "unfinished").iterdir()] == []


_IMPORT = """
import sys
from pathlib import Path
from tests.storage.release_work import import_some
import_some(Path(sys.argv[1]), print)
"""


def test_an_import_that_is_killed_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    import_some(tmp_path / "whole", lambda _: None)
    chance, lives, ended = random.Random(), 0, False
    while not ended:
        lives += 1
        with subprocess.Popen(
            [sys.executable, "-u", "-c", _IMPORT, str(tmp_path / "killed")], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            lines = [*islice(process.stdout, chance.randint(5, 14))] if lives < 4 else [*process.stdout]
            if lives < 4:
                process.send_signal(signal.SIGKILL)
        ended = process.returncode == 0
        assert ended or ReleaseFolder(tmp_path / "killed").find(URL) is None or "sorting names\n" in lines
    whole, killed = (ReleaseFolder(tmp_path / name).find(URL) for name in ("whole", "killed"))
    assert whole is not None and killed is not None
    assert lives > 1
    for table in ("concept", "place", "ranked", "exact", "flag"):
        assert _rows(whole, table) == _rows(killed, table)
    assert [*killed.search("a")] == [*whole.search("a")]


def _rows(release: SqliteRelease, table: str) -> list[JsonObject]:
    return release._first.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
