"""ICD-10-CM, CVX, NUCC and NDC, in the forms in which they are published. The codes are invented."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from terminology.imports.all import IMPORTS, find_import
from terminology.imports.cvx import CvxImport
from terminology.imports.icd_10_cm import Icd10CmImport
from terminology.imports.kind import Given, Import, InvalidSource
from terminology.imports.ndc import NdcImport, eleven_digits
from terminology.imports.nucc import NuccImport
from tests.unit.terminology.imports.importing import assert_resumes, displays, names, read

TABULAR = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
 <version>2031</version>
 <introduction><introSection type="title"><title>List</title></introSection></introduction>
 <chapter><name>19</name><desc>Breaks (S00-T88)</desc>
  <excludes2><note>chips (T99.-)</note></excludes2>
  <sectionIndex><sectionRef first="S00" last="S09" id="S00-S09">Breaks of the pane</sectionRef></sectionIndex>
  <section id="S00-S09"><desc>Breaks of the pane (S00-S09)</desc>
   <diag><name>S00</name><desc>Break</desc>
    <sevenChrNote><note>The appropriate 7th character is to be added to each code</note></sevenChrNote>
    <sevenChrDef><extension char="A">initial encounter</extension><extension char="S">sequela</extension></sevenChrDef>
    <diag><name>S00.0</name><desc>Break &amp; fall</desc>
     <inclusionTerm><note>Crash</note><note>Shatter</note></inclusionTerm></diag>
    <diag><name>S00.1</name><desc>Bend</desc>
     <diag><name>S00.111</name><desc>Bend, left</desc></diag></diag>
   </diag>
   <diag><name>S01</name><desc>Scratch</desc></diag>
  </section>
 </chapter>
</ICD10CM.tabular>
"""
ORDER = [
    ("S00", "0", "Break", "Break"),
    ("S000", "0", "Break & fall", "Break & fall"),
    ("S000XXA", "1", "Break and fall, init", "Break & fall, initial encounter"),
    ("S01", "1", "Scratch", "Scratch"),
]


def order(rows: list[tuple[str, str, str, str]] = ORDER) -> str:
    return "".join(
        f"{n:05d} {code:<7} {flag} {short:<60} {long}\r\n"
        for n, (code, flag, short, long) in enumerate(rows, 1)
    )


def test_the_tabular_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "icd10cm_tabular_2031.xml"
    path.write_text(TABULAR)
    release = read(Icd10CmImport(), path)
    assert release.version == "2031"
    assert displays(release) == {
        "19": "Breaks (S00-T88)",
        "S00-S09": "Breaks of the pane (S00-S09)",
        "S00": "Break",
        "S00.0": "Break & fall",
        "S00.0XXA": "Break & fall, initial encounter",
        "S00.0XXS": "Break & fall, sequela",
        "S00.1": "Bend",
        "S00.111": "Bend, left",
        "S00.111A": "Bend, left, initial encounter",
        "S00.111S": "Bend, left, sequela",
        "S01": "Scratch",
    }
    assert {code for code, one in release.by_code.items() if not one.abstract} == {
        *("S00.0XXA", "S00.0XXS", "S00.111A", "S00.111S", "S01")
    }
    assert release.parents_of["S00.0XXA"] == ["S00.0"] and release.parents_of["S00"] == ["S00-S09"]
    assert release.values("S00.0", "inclusionTerm") == ["Crash", "Shatter"]
    assert release.values("19", "excludes2") == ["chips (T99.-)"]
    assert_resumes(Icd10CmImport(), path, monkeypatch)


def test_the_order_file(tmp_path: Path) -> None:
    path = tmp_path / "icd10cm_order_2031.txt"
    path.write_text(order())
    release = read(Icd10CmImport(), path)
    assert release.version == "2031"
    assert list(release.by_code) == ["S00", "S00.0", "S00.0XXA", "S01"]
    assert release.parents_of == {
        "S00": [],
        "S00.0": ["S00"],
        "S00.0XXA": ["S00.0"],
    } or release.parents_of == {
        "S00.0": ["S00"],
        "S00.0XXA": ["S00.0"],
    }
    assert [code for code, one in release.by_code.items() if one.abstract] == ["S00", "S00.0"]
    assert release.designations["S00.0XXA"][0].value == "Break and fall, init"


CVX_TEXT = (
    "82   |pane, unspecified|pane vaccine, unspecified formulation|not for new records|Inactive|False|2010/09/30\r\n"
    "143  |pane 4|pane 4|  |Active|False|2011/03/20\r\n"
)
CVX_XML = """<?xml version='1.0' encoding='ISO-8859-1'?><CVXCodes>
<CVXInfo><ShortDescription>pane, unspecified</ShortDescription>
<FullVaccinename>pane vaccine, unspecified formulation</FullVaccinename><CVXCode>82 </CVXCode>
<Notes>not for new records</Notes><Status>Inactive</Status><LastUpdated>9/30/2010</LastUpdated></CVXInfo>
<CVXInfo><ShortDescription>pane 4</ShortDescription><FullVaccinename>pane 4</FullVaccinename>
<CVXCode>143       </CVXCode><Notes></Notes><Status>Active</Status><LastUpdated>3/20/2011</LastUpdated></CVXInfo>
</CVXCodes>"""
PAIRS = CVX_XML
for _tag in ("ShortDescription", "FullVaccinename", "CVXCode", "Notes", "Status", "LastUpdated"):
    PAIRS = PAIRS.replace(f"<{_tag}>", f"<Name>{_tag}</Name><Value>").replace(f"</{_tag}>", "</Value>")


@pytest.mark.parametrize(
    ("name", "text"), [("cvx.txt", CVX_TEXT), ("cvx.xml", CVX_XML), ("cvx_old.xml", PAIRS)]
)
def test_cvx(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    release = read(CvxImport(), tmp_path / name)
    assert release.version == "20110320"
    assert displays(release) == {"82": "pane, unspecified", "143": "pane 4"}
    pane = release.by_code["82"]
    assert (pane.definition, pane.inactive, pane.status) == (
        "pane vaccine, unspecified formulation",
        True,
        "inactive",
    )
    assert release.values("82", "Notes") == ["not for new records"]
    assert release.values("143", "LastUpdated") == ["2011-03-20"]
    assert release.values("143", "VaccineStatus") == ["Active"]


NUCC = (
    "Code,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section\r\n"
    '9920A0001X,Glaziers,Window,Stained,"Makes, and mends",[1/1/2030: new],Stained Window Glazier,Individual\r\n'
    "9920A0000X,Glaziers,Window,,Windows,,Window Glazier,Individual\r\n"
    "9930A0001X,Glaziers,Mirror,Round,,,,Individual\r\n"
)


def test_nucc(tmp_path: Path) -> None:
    path = tmp_path / "nucc_taxonomy_301.csv"
    path.write_text(NUCC, encoding="utf-8-sig")
    release = read(NuccImport(), path)
    assert release.version == "30.1"
    assert release.parents_of["9920A0001X"] == ["9920A0000X"] and release.parents_of["9920A0000X"] == [
        "Glaziers"
    ]
    assert release.parents_of["9930A0001X"] == ["Glaziers: Mirror"]
    assert release.by_code["Glaziers"].abstract and release.by_code["Glaziers: Mirror"].display == "Mirror"
    assert release.by_code["9920A0001X"].definition == "Makes, and mends"
    assert release.by_code["9930A0001X"].display == "Mirror, Round"
    assert release.values("9920A0001X", "Specialization") == ["Stained"]


PRODUCT = names(
    """
    PRODUCTID PRODUCTNDC PRODUCTTYPENAME PROPRIETARYNAME PROPRIETARYNAMESUFFIX NONPROPRIETARYNAME
    DOSAGEFORMNAME ROUTENAME STARTMARKETINGDATE ENDMARKETINGDATE MARKETINGCATEGORYNAME APPLICATIONNUMBER
    LABELERNAME SUBSTANCENAME ACTIVE_NUMERATOR_STRENGTH ACTIVE_INGRED_UNIT PHARM_CLASSES DEASCHEDULE
    NDC_EXCLUDE_FLAG LISTING_RECORD_CERTIFIED_THROUGH
    """
)
PACKAGE = names(
    """
    PRODUCTID PRODUCTNDC NDCPACKAGECODE PACKAGEDESCRIPTION STARTMARKETINGDATE ENDMARKETINGDATE
    NDC_EXCLUDE_FLAG SAMPLE_PACKAGE
    """
)


def columns(names: list[str], *rows: dict[str, str]) -> bytes:
    lines = ["\t".join(names), *("\t".join(row.get(name, "") for name in names) for row in rows)]
    return "".join(f"{line}\r\n" for line in lines).encode("cp1252")


def write_ndc(folder: Path) -> Path:
    path = folder / "ndctext"
    path.mkdir()
    pane = {
        "PRODUCTID": "0002-9_1",
        "PRODUCTNDC": "0002-9433",
        "PROPRIETARYNAME": "Pané",
        "NONPROPRIETARYNAME": "glassium",
    }
    other = {"PRODUCTID": "0002-9_2", "PRODUCTNDC": "0002-9433", "PROPRIETARYNAME": "again"}
    (path / "product.txt").write_bytes(columns(PRODUCT, pane | {"STARTMARKETINGDATE": "20300102"}, other))
    box = {"PRODUCTNDC": "0002-9433", "NDCPACKAGECODE": "0002-9433-80", "PACKAGEDESCRIPTION": "4 in 1 CARTON"}
    (path / "package.txt").write_bytes(columns(PACKAGE, box | {"SAMPLE_PACKAGE": "N"}, box))
    return path


def test_ndc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_ndc(tmp_path)
    release = read(NdcImport(), path, version="20300102")
    assert displays(release) == {
        "0002-9433": "Pané",
        "0002-9433-80": "Pané, 4 in 1 CARTON",
        "00002943380": "Pané, 4 in 1 CARTON",
    }
    assert release.parents_of == {"0002-9433-80": ["0002-9433"], "00002943380": ["0002-9433-80"]}
    assert release.values("0002-9433", "STARTMARKETINGDATE") == ["2030-01-02"]
    assert release.values("0002-9433-80", "ndc11") == ["00002943380"]
    assert release.designations["0002-9433"][0].value == "glassium"
    assert_resumes(NdcImport(), path, monkeypatch, "20300102")


@pytest.mark.parametrize(
    ("code", "eleven"),
    [
        ("0002-1433-80", "00002143380"),
        ("12345-678-9", "12345067809"),
        ("12345-6789-1", "12345678901"),
        ("0002-1433", ""),
        ("123456-7890-1", ""),
    ],
)
def test_eleven_digits(code: str, eleven: str) -> None:
    assert eleven_digits(code) == eleven


WRONG: list[tuple[Import, str, bytes, str]] = [
    (
        Icd10CmImport(),
        "icd10cm_tabular_2031.xml",
        TABULAR.encode()[:900],
        r"xml, line 1\d: it is no XML, or is cut off",
    ),
    (Icd10CmImport(), "icd10cm_tabular_2031.xml", b"<a><version>1</version></a>", "holds no chapters"),
    (
        Icd10CmImport(),
        "icd10cm_tabular_2031.xml",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a/>',
        "it defines entities",
    ),
    (
        Icd10CmImport(),
        "icd10cm_tabular_2031.xml",
        TABULAR.replace("<desc>Break</desc>", "").encode(),
        "line 9: an entry has no desc",
    ),
    (Icd10CmImport(), "icd10cm_tabular_2031.xml", b"<a>" * 5000, "too deep"),
    (
        Icd10CmImport(),
        "icd10cm_order_2031.txt",
        order().encode()[:150],
        "line 2: the row is not as order files have them",
    ),
    (CvxImport(), "cvx.txt", CVX_TEXT.encode()[:-40], "line 2: the row has"),
    (CvxImport(), "cvx.txt", (CVX_TEXT * 2).encode(), "line 3: the CVX code is there twice"),
    (
        NuccImport(),
        "nucc_taxonomy_301.csv",
        NUCC.replace("Grouping,", "Group,").encode(),
        "the column Grouping is missing",
    ),
    (
        NdcImport(),
        "product.txt",
        columns(PRODUCT, {"PRODUCTNDC": "1-2"})[:-6],
        "line 2: the row has 16 columns instead of 20",
    ),
    (NdcImport(), "product.txt", b"", "the file is empty"),
]


@pytest.mark.parametrize(("kind", "name", "data", "why"), WRONG)
def test_what_is_wrong_is_named(tmp_path: Path, kind: Import, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidSource, match=why):
        read(kind, tmp_path / name)


def test_each_kind_knows_its_own(tmp_path: Path) -> None:
    files = {
        "icd-10-cm": ("icd10cm_order_2031.txt", order().encode()),
        "cvx": ("cvx.txt", CVX_TEXT.encode()),
        "nucc": ("nucc_taxonomy_301.csv", NUCC.encode()),
        "ndc": ("product.txt", columns(PRODUCT)),
        "rxnorm": ("RXNCONSO.RRF", b""),
        "loinc": ("Loinc.csv", b""),
        "snomed": ("sct2_Concept_Snapshot_INT_20240101.txt", b""),
    }
    kinds = [one for one in IMPORTS if one.kind in files]
    assert len(kinds) == len(files)
    for kind, (name, data) in files.items():
        (tmp_path / kind).mkdir()
        (tmp_path / kind / name).write_bytes(data)
        known = [one.kind for one in kinds if one.recognise(tmp_path / kind)]
        assert known == [kind]
    assert not [one.kind for one in kinds if one.recognise(tmp_path / "nothing")]
    assert find_import("loinc") is not None and find_import("x") is None
    for one in kinds:
        with pytest.raises(InvalidSource, match="no such file"):
            one.header(tmp_path / "nothing", Given())
        assert not list(one.resources(tmp_path, {}))


@pytest.mark.parametrize("at", [0.3, 0.6, 0.9])
def test_a_damaged_zip_is_named(tmp_path: Path, at: float) -> None:
    path = tmp_path / "2031.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("icd10cm_tabular_2031.xml", TABULAR)
        archive.writestr("nucc_taxonomy_301.csv", NUCC * 30)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * at)])
    for kind in (Icd10CmImport(), NuccImport()):
        with pytest.raises(InvalidSource, match="this is no zip file, or it is cut off"):
            read(kind, path)
    broken = bytearray(whole)
    for place in range(100, 140):
        broken[place] ^= 0x5A
    path.write_bytes(bytes(broken))
    with pytest.raises(InvalidSource, match=r"damaged|no XML"):
        read(Icd10CmImport(), path)
