"""RxNorm in RRF. The drugs are invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from terminology.imports.kind import Given, InvalidSource
from terminology.imports.rxnorm import RxNormImport
from tests.unit.terminology.imports.importing import assert_resumes, displays, read
from tests.unit.terminology.memory_release import MemoryRelease


def atom(code: int, kind: str, text: str, source: str = "RXNORM", suppress: str = "N") -> str:
    head = f"{code}|ENG||||||{code}0|{code}0|{code}||{source}|{kind}|{code}|{text}||{suppress}|4096|"
    assert head.count("|") == 18
    return head


def relation(one: int, rela: str, two: int, source: str = "RXNORM") -> str:
    """``two`` has the relation to ``one``."""
    row = f"{one}||CUI|RN|{two}||CUI|{rela}|1||{source}|{source}||||4096|"
    assert row.count("|") == 16
    return row


def attribute(code: int, name: str, value: str, source: str = "RXNORM", suppress: str = "N") -> str:
    row = f"{code}|||1|AUI|{code}|||{name}|{source}|{value}|{suppress}|4096|"
    assert row.count("|") == 13
    return row


ATOMS = [
    atom(91, "SY", "Glassium tablets"),
    atom(91, "SCD", "glassium 5 MG Oral Tablet"),
    atom(92, "IN", "glassium"),
    atom(93, "SBD", "Glassium 5 MG Oral Tablet [Pane]", suppress="O"),
    atom(91, "PSN", "Glassium 5 mg tablet"),
    atom(91, "CD", "GLASSIUM TAB 5MG", "VANDF"),
    atom(94, "CD", "of another source only", "VANDF"),
    atom(95, "SCDF", "glassium Oral Tablet"),
]


def write(folder: Path, name: str = "RxNorm_full_01022024") -> Path:
    rrf = folder / name / "rrf"
    rrf.mkdir(parents=True)
    files = {
        "RXNCONSO": ATOMS,
        "RXNSTY": ["91|T200|A1.4|Clinical Drug|AT1|256|", "94|T200|A1.4|Clinical Drug|AT2|256|"],
        "RXNREL": [
            relation(92, "has_ingredient", 91),
            relation(91, "ingredient_of", 92),
            relation(95, "isa", 91),
            relation(91, "inverse_isa", 95),
            relation(94, "has_form", 91),
            relation(92, "has_ingredient", 95, "VANDF"),
        ],
        "RXNSAT": [
            attribute(91, "NDC", "00000000001"),
            attribute(91, "X", "1", "VANDF"),
            attribute(91, "Y", "1", suppress="O"),
        ],
    }
    for file, rows in files.items():
        (rrf / f"{file}.RRF").write_text("".join(f"{row}\n" for row in rows))
    return folder / name


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> MemoryRelease:
    return read(RxNormImport(), write(tmp_path_factory.mktemp("rxnorm")))


def test_concepts_are_what_rxnorm_itself_says(release: MemoryRelease) -> None:
    assert release.version == "20240102"
    assert displays(release) == {
        "91": "glassium 5 MG Oral Tablet",
        "92": "glassium",
        "93": "Glassium 5 MG Oral Tablet [Pane]",
        "95": "glassium Oral Tablet",
    }
    assert [(one.value, (one.use or {})["code"]) for one in release.designations["91"]] == [
        ("Glassium 5 mg tablet", "PSN"),
        ("Glassium tablets", "SY"),
    ]
    assert (release.by_code["93"].inactive, release.by_code["93"].status) == (True, "obsolete")


def test_what_is_said_of_them(release: MemoryRelease) -> None:
    held = [(name, value) for name, value, _, _ in release.properties["91"]]
    assert held == [
        ("SUPPRESS", "N"),
        ("TTY", "SCD"),
        ("STY", "Clinical Drug"),
        ("TUI", "T200"),
        ("has_ingredient", "92"),
        ("NDC", "00000000001"),
    ]
    assert release.values("92", "ingredient_of") == ["91"]
    assert release.parents_of == {"91": ["95"]}


def test_an_import_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_resumes(RxNormImport(), write(tmp_path), monkeypatch)


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "rxnorm")
    with pytest.raises(InvalidSource, match="give its version"):
        RxNormImport().header(path, Given())
    file = path / "rrf" / "RXNREL.RRF"
    file.write_text(file.read_text()[:-9])
    with pytest.raises(InvalidSource, match=r"RXNREL.RRF, line 6: the row has \d+ columns instead of 16"):
        read(RxNormImport(), path, version="1")
    (path / "rrf" / "RXNCONSO.RRF").unlink()
    with pytest.raises(InvalidSource, match=r"there is no RXNCONSO\.RRF"):
        RxNormImport().header(path, Given())
