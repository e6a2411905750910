"""SNOMED CT in RF2: what becomes of concepts, names, relationships and reference sets."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from terminology.ecl import select_ecl
from terminology.imports.kind import Given, InvalidSource
from terminology.imports.snomed.release import SnomedImport
from tests.unit.terminology.imports import importing
from tests.unit.terminology.imports.rf2 import (
    ACCEPTABLE,
    CORE,
    DEFINITION,
    FSN,
    IS_A,
    MODEL,
    PREFERRED,
    Rf2,
    sctid,
)
from tests.unit.terminology.memory_release import MemoryRelease, OverMemory

ROOT, ATTRIBUTE, FINDING, BREAK, CLOSED, SITE, ARM, GONE, STRENGTH, LIST = range(1, 11)
SAME_AS = "900000000000527005"
US_MODULE = "731000124108"


def small() -> Rf2:
    """A handful of concepts with something of everything."""
    files = Rf2()
    files.concept(ROOT, "Everything")
    files.concept(ATTRIBUTE, "Place of", ROOT, tag="attribute")
    files.concept(FINDING, "Finding", ROOT, tag="finding")
    files.concept(BREAK, "Break", FINDING, tag="finding", defined=True)
    files.concept(CLOSED, "Closed break of the arm", BREAK, FINDING, tag="finding", defined=True)
    files.concept(SITE, "Body part", ROOT, tag="body structure")
    files.concept(ARM, "Arm", SITE, tag="body structure")
    files.concept(GONE, "Broken arm", tag="finding", active="0", time="20200101")
    files.concept(STRENGTH, "Strength", ROOT, tag="attribute")
    files.concept(LIST, "List", ROOT, tag="foundation metadata concept")
    files.description(901, CLOSED, "Colour of the arm", us=ACCEPTABLE, gb=PREFERRED)
    files.description(902, CLOSED, "An arm that is broken, its skin is not.", DEFINITION, gb="")
    files.relation(CLOSED, sctid(ATTRIBUTE), ARM, 1)
    files.relation(BREAK, sctid(ATTRIBUTE), SITE, 2)
    files.relation(BREAK, sctid(ATTRIBUTE), ARM, active="0")
    files.value(CLOSED, sctid(STRENGTH), "#2.50", 1)
    files.member("der2_Refset_Simple", sctid(LIST), sctid(BREAK))
    files.member("der2_Refset_Simple", sctid(LIST), sctid(ARM), active="0")
    files.member("der2_cRefset_Association", SAME_AS, sctid(GONE), sctid(CLOSED))
    files.member("der2_ssRefset_ModuleDependency", "900000000000534007", MODEL, "20240101", "20240101")
    return files


def read(path: Path) -> MemoryRelease:
    return importing.read(SnomedImport(), path)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> MemoryRelease:
    return read(small().write(tmp_path_factory.mktemp("rf2")))


def found(release: MemoryRelease, ecl: str) -> set[str]:
    return {release.by_code[code].display for code in release.codes(select_ecl(OverMemory(release), ecl))}  # type: ignore[arg-type]


def test_the_header_says_which_edition_it_is(release: MemoryRelease) -> None:
    assert release.header["version"] == f"http://snomed.info/sct/{CORE}/version/20240101"
    assert release.header["title"] == "SNOMED CT International Edition"
    assert {one["code"]: one["type"] for one in release.header["property"] if one["code"].isdigit()} == {
        sctid(ATTRIBUTE): "code",
        sctid(STRENGTH): "decimal",
    }


def test_concepts(release: MemoryRelease) -> None:
    closed = release.by_code[sctid(CLOSED)]
    assert (closed.display, closed.definition) == (
        "Closed break of the arm",
        "An arm that is broken, its skin is not.",
    )
    assert release.properties[sctid(CLOSED)] == [
        ("sufficientlyDefined", "true", "boolean", 0),
        ("moduleId", CORE, "code", 0),
        ("effectiveTime", "2024-01-01", "dateTime", 0),
        ("semanticTag", "finding", "string", 0),
        (sctid(ATTRIBUTE), sctid(ARM), "code", 1),
        (sctid(STRENGTH), "2.50", "decimal", 1),
    ]
    assert release.by_code[sctid(GONE)].inactive and not closed.inactive
    assert release.parents_of[sctid(CLOSED)] == [sctid(BREAK), sctid(FINDING)]


def test_designations_say_where_they_are_preferred(release: MemoryRelease) -> None:
    held = release.designations[sctid(CLOSED)]
    uses = [(one.value, one.language, str((one.use or {})["code"])) for one in held]
    assert uses == [
        ("Closed break of the arm (finding)", "en", FSN),
        ("Closed break of the arm", "en", "900000000000013009"),
        ("Colour of the arm", "en", "900000000000013009"),
        ("Colour of the arm", "en-GB", "preferredForLanguage"),
    ]
    roles = [
        part["valueCoding"].get("display")
        for extension in held[2].extensions
        for part in extension["extension"]
        if part["url"] == "role"
    ]
    assert roles == ["Acceptable", "Preferred"]


ECL = [
    (f"< {sctid(FINDING)}", {"Break", "Closed break of the arm"}),
    (f"* : {sctid(ATTRIBUTE)} = << {sctid(SITE)}", {"Break", "Closed break of the arm"}),
    (f"* : {{ {sctid(ATTRIBUTE)} = *, {sctid(STRENGTH)} = #2.5 }}", {"Closed break of the arm"}),
    (f"* : {sctid(STRENGTH)} > #2.5", set()),
    (f"<< {sctid(FINDING)} . {sctid(ATTRIBUTE)}", {"Arm", "Body part"}),
    (f"^ {sctid(LIST)}", {"Break"}),
    (f"^ {SAME_AS}", {"Broken arm"}),
    (
        f"^ [targetComponentId] {SAME_AS} {{{{ M referencedComponentId = {sctid(GONE)} }}}}",
        {"Closed break of the arm"},
    ),
    (f"{sctid(CLOSED)} {{{{ + HISTORY-MIN }}}}", {"Closed break of the arm", "Broken arm"}),
    (f"{sctid(BREAK)} {{{{ + HISTORY-MOD }}}}", {"Break"}),
    ("* {{ C active = false }}", {"Broken arm"}),
    ("* {{ C definitionStatus = defined, active = 1 }}", {"Break", "Closed break of the arm"}),
    ('* {{ C effectiveTime < "20240101" }}', {"Broken arm"}),
    (f"< {sctid(ROOT)} {{{{ C moduleId != {CORE} }}}}", set()),
    ('* {{ term = "arm bro" }}', {"Broken arm"}),
    ('* {{ term = "colour" }}', {"Closed break of the arm"}),
    ('* {{ term = wild:"*of the arm", dialect = en-gb (prefer) }}', {"Closed break of the arm"}),
    ('* {{ term = "colour", dialect = en-us (prefer) }}', set()),
    ('* {{ term = "colour", dialectId = 900000000000509007 (accept) }}', {"Closed break of the arm"}),
    ('* {{ term = "skin", type = def }}', {"Closed break of the arm"}),
    ('* {{ term = "skin" }}', set()),
    ('* {{ type = fsn, term = wild:"*(attribute)" }}', {"Place of", "Strength"}),
    ("* {{ language = sv }}", set()),
    (f"<! {sctid(SITE)}", {"Arm"}),
    (f"* : {IS_A} = {sctid(SITE)}", {"Arm"}),
    (f"!!> (< {sctid(FINDING)})", {"Break"}),
]


@pytest.mark.parametrize(("ecl", "expected"), ECL)
def test_constraints(release: MemoryRelease, ecl: str, expected: set[str]) -> None:
    assert found(release, ecl) == expected


def test_a_zip_reads_as_its_folder_does(tmp_path: Path, release: MemoryRelease) -> None:
    small().write(tmp_path / "SnomedCT_Release")
    path = shutil.make_archive(str(tmp_path / "release"), "zip", tmp_path, "SnomedCT_Release")
    importing.assert_same(read(Path(path)), release)


def test_all_states_read_as_the_newest(tmp_path: Path, release: MemoryRelease) -> None:
    files = small()
    for rows in files.rows.values():
        rows[:0] = [[row[0], "20190101", "1" if row[2] == "0" else row[2], *row[3:]] for row in rows]
    importing.assert_same(read(files.write(tmp_path, "Full")), release)


def test_an_import_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    importing.assert_resumes(SnomedImport(), small().write(tmp_path), monkeypatch)


def test_an_extension_lies_over_its_edition(tmp_path: Path) -> None:
    small().write(tmp_path / "international")
    extension = Rf2("US1000124", "20240301", US_MODULE)
    extension.concept(20, "Break at home", BREAK)
    extension.add("sct2_Concept", sctid(ARM), "900000000000074008", active="0")
    for module in (CORE, MODEL):
        extension.member(
            "der2_ssRefset_ModuleDependency", "900000000000534007", module, "20240301", "20240101"
        )
    extension.write(tmp_path / "extension")
    release = read(tmp_path)
    assert release.version == f"http://snomed.info/sct/{US_MODULE}/version/20240301"
    assert release.parents_of[sctid(20)] == [sctid(BREAK)]
    assert release.by_code[sctid(ARM)].inactive
    with pytest.raises(InvalidSource, match=r"Relationship.*line 2: the column destinationId .*an extension"):
        read(tmp_path / "extension")


def test_the_version_may_be_given(tmp_path: Path) -> None:
    path = small().write(tmp_path)
    version = SnomedImport().header(path, Given(version="20231201"))["version"]
    assert version == f"http://snomed.info/sct/{CORE}/version/20231201"
    whole = f"http://snomed.info/sct/{US_MODULE}/version/20200101"
    assert SnomedImport().header(path, Given(version=whole))["version"] == whole
    with pytest.raises(InvalidSource, match="a version is"):
        SnomedImport().header(path, Given(version="latest"))


def broken(tmp_path: Path, content: str, change: bytes, into: bytes) -> Path:
    path = small().write(tmp_path)
    file = next(path.rglob(f"{content}_*"))
    assert change in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(change, into, 1))
    return path


@pytest.mark.parametrize(
    ("content", "change", "into", "why"),
    [
        ("sct2_Concept", b"moduleId\t", b"module\t", r"Concept.*txt, line 1: the column moduleId is missing"),
        ("sct2_Concept", b"\t1\t9", b"\t7\t9", r"line 2: the column active is neither 0 nor 1"),
        ("sct2_Concept", b"74008\r\n", b"74008\r\n12\t", r"line 3: the row has 6 columns"),
        (
            "sct2_Description",
            b"Break",
            b"Br\xe9ak",
            r"Description.*line \d+: the text in column 8 is not UTF-8",
        ),
        (
            "sct2_Description",
            b"\ten\t",
            b"\t",
            r"line 2: the row has 8 columns instead of 9: it is cut off or damaged",
        ),
        (
            "sct2_Relationship",
            b"\t116680003",
            b"",
            r"Relationship.*line 2: the row has 9 columns instead of 10",
        ),
        (
            "sct2_Relationship",
            b"\t0\t116680003",
            b"\tx\t999",
            r"line 2: the column relationshipGroup holds no number",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: str, change: bytes, into: bytes, why: str) -> None:
    with pytest.raises(InvalidSource, match=why):
        read(broken(tmp_path, content, change, into))


def test_what_is_no_release_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(InvalidSource, match="no files named as RF2"):
        SnomedImport().header(tmp_path, Given())
    assert not SnomedImport().recognise(tmp_path)
    assert not SnomedImport().recognise(tmp_path / "nothing")
    small().write(tmp_path, "Delta")
    with pytest.raises(InvalidSource, match="only changes"):
        SnomedImport().header(tmp_path, Given())
