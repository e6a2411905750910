"""Figures: counted in one block, shared by files, added up by whoever is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fhirserver.kernel.measures import NUMBERS, Counter, Gathered, Gauge, Histogram, Measures


def of(measures: Measures, name: str) -> Gathered:
    return next(one for one in measures.gathered() if one.described.name == name)


def test_what_is_counted_is_there() -> None:
    measures = Measures()
    hits, level = Counter("hits", "", ("who",), measures), Gauge("level", "", measures=measures)
    hits.add("a")
    hits.add("a", by=2)
    hits.add("b")
    level.set(7)
    level.add(-2)
    assert of(measures, "hits").series == {("a",): [3.0], ("b",): [1.0]}
    assert of(measures, "level").series == {(): [5.0]}
    assert hits.value("a") == 3 and hits.value("nobody") == 0


def test_a_value_is_in_the_class_whose_bound_it_does_not_exceed() -> None:
    measures = Measures()
    took = Histogram("took", "", (), (0.1, 1.0), measures)
    for value in (0.05, 0.1, 0.5, 1.0, 3.0):
        took.observe(value)
    assert of(measures, "took").series == {(): [2.0, 2.0, 1.0, pytest.approx(4.65)]}


def test_wrong_labels_and_a_name_that_is_taken_are_refused() -> None:
    measures = Measures()
    hits = Counter("hits", "", ("who",), measures)
    with pytest.raises(ValueError, match="labels"):
        hits.add()
    with pytest.raises(ValueError, match="two figures hits"):
        Counter("hits", "", (), measures)


def test_what_does_not_fit_any_more_is_not_counted_and_harms_nothing() -> None:
    measures = Measures()
    many = Counter("many", "", ("n",), measures)
    many.add("first")
    took = Histogram("took", "", ("n",), (1.0,), measures)
    for number in range(NUMBERS):
        many.add(str(number))
    took.observe(0.5, "late")
    assert many.value("first") == 1 and many.value("7") == 1
    assert of(measures, "took").series == {}


def test_processes_that_serve_together_add_up(tmp_path: Path) -> None:
    mine = Measures()
    hits = Counter("hits", "", ("who",), mine)
    took, head = Histogram("took", "", (), (1.0,), mine), Gauge("head", "", (), "max", mine)
    up = Gauge("up", "", (), "each", mine)
    mine.share(tmp_path, "0")
    hits.add("a")
    took.observe(0.5)
    head.set(9)
    up.set(1)
    other = (
        "import os, pathlib, signal\n"
        "from fhirserver.kernel.measures import *\n"
        "m = Measures()\n"
        "hits, took = Counter('hits', '', ('who',), m), Histogram('took', '', (), (1.0,), m)\n"
        "head, up = Gauge('head', '', (), 'max', m), Gauge('up', '', (), 'each', m)\n"
        f"m.share(pathlib.Path({str(tmp_path)!r}), '1')\n"
        "hits.add('a'); hits.add('b'); took.observe(2.0); head.set(7); up.set(1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", other], check=False)
    assert killed.returncode == -9
    assert of(mine, "hits").series == {("a",): [2.0], ("b",): [1.0]}, "what a killed process counted stays"
    assert of(mine, "took").series == {(): [1.0, 1.0, 2.5]}
    assert of(mine, "head").series == {(): [9.0]}
    assert of(mine, "up").series == {("0",): [1.0], ("1",): [1.0]}
    assert set(mine.processes()) == {"0", "1"}


def test_whoever_takes_a_place_goes_on_counting_there(tmp_path: Path) -> None:
    first = Measures()
    hits = Counter("hits", "", ("who",), first)
    first.share(tmp_path, "0")
    hits.add("a", by=5)
    again = Measures()
    took, hits = Histogram("took", "", (), (1.0,), again), Counter("hits", "", ("who",), again)
    again.share(tmp_path, "0")
    assert of(again, "hits").series == {("a",): [5.0]}, "before it has counted anything itself"
    took.observe(0.1)
    hits.add("b")
    hits.add("a")
    assert of(again, "hits").series == {("a",): [6.0], ("b",): [1.0]}
    assert of(again, "took").series == {(): [1.0, 0.0, 0.1]}


def test_a_line_that_is_being_written_is_passed_over(tmp_path: Path) -> None:
    measures = Measures()
    hits = Counter("hits", "", ("who",), measures)
    measures.share(tmp_path, "0")
    hits.add("a")
    reader = Measures()
    Counter("hits", "", ("who",), reader)
    reader.share(tmp_path, "1")
    with (tmp_path / "0.names").open("a") as names:
        names.write('{"name": "hi')
    assert of(reader, "hits").series == {("a",): [1.0]}
