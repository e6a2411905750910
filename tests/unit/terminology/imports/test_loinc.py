"""LOINC's download: terms, parts, answers, panels, the hierarchy and translations. The terms are invented."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from fhirserver.ports.terminology import Designation
from terminology.imports.kind import Given, InvalidSource
from terminology.imports.loinc.release import LoincImport
from tests.unit.terminology.imports.importing import assert_resumes, names, read
from tests.unit.terminology.memory_release import MemoryRelease

LOINC = names(
    """
    LOINC_NUM COMPONENT PROPERTY TIME_ASPCT SYSTEM SCALE_TYP METHOD_TYP CLASS VersionLastChanged
    CHNG_TYPE DefinitionDescription STATUS CONSUMER_NAME CLASSTYPE FORMULA EXMPL_ANSWERS
    SURVEY_QUEST_TEXT SURVEY_QUEST_SRC UNITSREQUIRED RELATEDNAMES2 SHORTNAME ORDER_OBS
    HL7_FIELD_SUBFIELD_ID EXTERNAL_COPYRIGHT_NOTICE EXAMPLE_UNITS LONG_COMMON_NAME EXAMPLE_UCUM_UNITS
    STATUS_REASON STATUS_TEXT CHANGE_REASON_PUBLIC COMMON_TEST_RANK COMMON_ORDER_RANK
    HL7_ATTACHMENT_STRUCTURE EXTERNAL_COPYRIGHT_LINK PanelType AskAtOrderEntry AssociatedObservations
    VersionFirstReleased ValidHL7AttachmentRequest DisplayName
    """
)
HIERARCHY = ("PATH_TO_ROOT", "SEQUENCE", "IMMEDIATE_PARENT", "CODE", "CODE_TEXT")
ANSWERS = names(
    """
    AnswerListId AnswerListName AnswerListOID ExtDefinedYN ExtDefinedAnswerListCodeSystem
    ExtDefinedAnswerListLink AnswerStringId LocalAnswerCode LocalAnswerCodeSystem SequenceNumber
    DisplayText ExtCodeId ExtCodeDisplayName ExtCodeSystem ExtCodeSystemVersion
    ExtCodeSystemCopyrightNotice SubsequentTextPrompt Description Score
    """
)
PANELS = ("ParentId", "ParentLoinc", "ParentName", "ID", "SEQUENCE", "Loinc", "LoincName")
PARTS = ("PartNumber", "PartTypeName", "PartName", "PartDisplayName", "Status")
PART_LINKS = names(
    """
    LoincNumber LongCommonName PartNumber PartName PartCodeSystem PartTypeName LinkTypeName Property
    """
)
ANSWER_LINKS = names(
    """
    LoincNumber LongCommonName AnswerListId AnswerListName AnswerListLinkType ApplicableContext
    """
)
VARIANT = names(
    """
    LOINC_NUM COMPONENT SHORTNAME LONG_COMMON_NAME RELATEDNAMES2 LinguisticVariantDisplayName
    """
)


def table(path: Path, columns: list[str] | tuple[str, ...], *rows: dict[str, str], mark: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(mark)
        writer = csv.DictWriter(file, columns, restval="", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)


def write(folder: Path) -> Path:
    path, extra = folder / "Loinc_9.99", folder / "Loinc_9.99" / "AccessoryFiles"
    glass = {
        **{
            "LOINC_NUM": "99901-1",
            "COMPONENT": "Glass",
            "PROPERTY": "MCnc",
            "TIME_ASPCT": "Pt",
            "SYSTEM": "Ser",
            "SCALE_TYP": "Qn",
        },
        **{
            "CLASS": "CHEM",
            "STATUS": "ACTIVE",
            "CLASSTYPE": "1",
            "ORDER_OBS": "Both",
            "VersionLastChanged": "9.98",
        },
        **{
            "SHORTNAME": "Glass Ser",
            "LONG_COMMON_NAME": 'Glass, "clear"\nin Serum',
            "RELATEDNAMES2": "Pane; Window",
        },
        **{
            "DefinitionDescription": "How much glass",
            "EXAMPLE_UCUM_UNITS": "mg/dL",
            "VersionFirstReleased": "1.0",
        },
    }
    old = {
        "LOINC_NUM": "99902-9",
        "STATUS": "DEPRECATED",
        "SHORTNAME": "Old",
        "EXTERNAL_COPYRIGHT_NOTICE": "© Somebody",
    }
    panel = {
        "LOINC_NUM": "99903-7",
        "LONG_COMMON_NAME": "Glass panel",
        "STATUS": "TRIAL",
        "CLASS": "PANEL.CHEM",
    }
    table(path / "LoincTable" / "Loinc.csv", LOINC, glass, old, panel, mark="\ufeff")
    table(
        path / "LoincTable" / "MapTo.csv",
        ("LOINC", "MAP_TO", "COMMENT"),
        {"LOINC": "99902-9", "MAP_TO": "99901-1"},
    )
    table(
        extra / "PartFile" / "Part.csv",
        PARTS,
        {
            "PartNumber": "LP99-1",
            "PartTypeName": "COMPONENT",
            "PartName": "Glass",
            "PartDisplayName": "Pane",
            "Status": "ACTIVE",
        },
        {
            "PartNumber": "LP98-1",
            "PartTypeName": "SYSTEM",
            "PartName": "Ser",
            "PartDisplayName": "Ser",
            "Status": "DEPRECATED",
        },
    )
    link = {
        "LoincNumber": "99901-1",
        "PartNumber": "LP99-1",
        "PartName": "Glass",
        "PartTypeName": "COMPONENT",
    }
    primary = {**link, "Property": "http://loinc.org/property/COMPONENT"}
    analyte = {**link, "Property": "http://loinc.org/property/analyte"}
    table(extra / "PartFile" / "LoincPartLink_Primary.csv", PART_LINKS, primary)
    table(
        extra / "PartFile" / "LoincPartLink_Supplementary.csv",
        PART_LINKS,
        analyte,
        {**analyte, "LoincNumber": "1-1"},
    )
    tree = [
        ("", "LP97-1", "Everything"),
        ("LP97-1", "LP99-1", "Glass"),
        ("LP99-1", "99901-1", "Glass Ser"),
        ("LP97-1", "99901-1", "Glass Ser"),
        ("LP99-1", "99901-1", "Glass Ser"),
        ("LP96-1", "99902-9", "Old"),
    ]
    rows = [dict(zip(("IMMEDIATE_PARENT", "CODE", "CODE_TEXT"), row, strict=True)) for row in tree]
    table(extra / "ComponentHierarchyBySystem" / "ComponentHierarchyBySystem.csv", HIERARCHY, *rows)
    yes = {
        "AnswerListId": "LL99-1",
        "AnswerListName": "Clear?",
        "AnswerStringId": "LA99-1",
        "DisplayText": "Clear",
        "Score": "1",
    }
    table(
        extra / "AnswerFile" / "AnswerList.csv",
        ANSWERS,
        {**yes, "LocalAnswerCode": "c"},
        {**yes, "AnswerStringId": "LA98-1", "DisplayText": "Dim", "Score": ""},
        {**yes, "AnswerListId": "LL98-1", "AnswerListName": "Also", "Score": ""},
        {"AnswerListId": "LL97-1", "AnswerListName": "Kept elsewhere", "ExtDefinedYN": "Y"},
    )
    links = [{"LoincNumber": code, "AnswerListId": "LL99-1"} for code in ("99901-1", "99901-1", "1-1")]
    table(extra / "AnswerFile" / "LoincAnswerListLink.csv", ANSWER_LINKS, *links)
    members = [{"ParentLoinc": "99903-7", "Loinc": code, "ParentId": "1"} for code in ("99903-7", "99901-1")]
    table(extra / "PanelsAndForms" / "PanelsAndForms.csv", PANELS, *members)
    words = {
        "LOINC_NUM": "99901-1",
        "LONG_COMMON_NAME": "Glas im Serum",
        "LinguisticVariantDisplayName": "Glas",
    }
    table(
        extra / "LinguisticVariants" / "deDE15LinguisticVariant.csv",
        VARIANT,
        words,
        {**words, "LOINC_NUM": "1-1"},
    )
    consumer = {"LoincNumber": "99901-1", "ConsumerName": "Glass, Blood"}
    table(extra / "ConsumerName" / "ConsumerName.csv", ("LoincNumber", "ConsumerName"), consumer)
    return path


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> MemoryRelease:
    return read(LoincImport(), write(tmp_path_factory.mktemp("loinc")))


def test_terms(release: MemoryRelease) -> None:
    assert (release.url, release.version) == ("http://loinc.org", "9.99")
    glass = release.by_code["99901-1"]
    assert (glass.display, glass.definition, glass.status) == (
        'Glass, "clear"\nin Serum',
        "How much glass",
        "active",
    )
    held = {name: (value, kind) for name, value, kind, _ in release.properties["99901-1"] if kind == "string"}
    assert held["SCALE_TYP"] == ("Qn", "string") and held["STATUS"] == ("ACTIVE", "string")
    assert held["EXAMPLE_UCUM_UNITS"] == ("mg/dL", "string") and held["copyright"] == ("LOINC", "string")
    assert "METHOD_TYP" not in held
    old = release.by_code["99902-9"]
    assert (old.display, old.inactive, old.status) == ("Old", True, "deprecated")
    assert release.values("99902-9", "copyright") == ["3rdParty"]
    assert release.values("99902-9", "MAP_TO") == ["99901-1"]


def test_names(release: MemoryRelease) -> None:
    def use(code: str) -> dict[str, str]:
        return {"system": "http://loinc.org", "code": code}

    assert release.designations["99901-1"] == [
        Designation("Glass Ser", "en", use("SHORTNAME")),
        Designation("Pane; Window", "en", use("RELATEDNAMES2")),
        Designation("Glass, Blood", "en", use("CONSUMER_NAME")),
        Designation("Glas im Serum", "de-DE", use("LONG_COMMON_NAME")),
        Designation("Glas", "de-DE", use("LinguisticVariantDisplayName")),
    ]


def test_parts_and_the_hierarchy(release: MemoryRelease) -> None:
    part = release.by_code["LP99-1"]
    assert (part.display, part.abstract) == ("Glass", True)
    assert release.by_code["LP98-1"].inactive
    coding = '{"system":"http://loinc.org","code":"LP99-1","display":"Glass"}'
    codings = [(name, value) for name, value, kind, _ in release.properties["99901-1"] if kind == "Coding"]
    assert codings == [("COMPONENT", coding), ("analyte", coding)]
    assert release.parents_of["99901-1"] == ["LP99-1", "LP97-1"]
    assert release.parents_of["LP99-1"] == ["LP97-1"]
    assert release.by_code["LP96-1"].abstract


def test_answers_and_panels(release: MemoryRelease) -> None:
    assert release.values("99901-1", "answer-list") == ["LL99-1"]
    assert release.values("LL99-1", "answers-for") == ["99901-1"]
    assert release.values("LA99-1", "LIST") == ["LL99-1", "LL98-1"]
    assert release.values("LA99-1", "Score") == ["1"]
    assert release.by_code["LA98-1"].display == "Dim"
    assert release.by_code["LL97-1"].display == "Kept elsewhere"
    assert release.values("99903-7", "panel-member") == ["99901-1"]


def test_an_import_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_resumes(LoincImport(), write(tmp_path), monkeypatch)


def test_the_version_of_a_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "Loinc.csv"
    path.write_bytes((write(tmp_path / "whole") / "LoincTable" / "Loinc.csv").read_bytes())
    assert LoincImport().recognise(path)
    assert LoincImport().header(path, Given())["version"] == "9.98"
    assert LoincImport().header(path, Given(version="8.0"))["version"] == "8.0"
    assert set(read(LoincImport(), path).by_code) == {"99901-1", "99902-9", "99903-7"}


@pytest.mark.parametrize(
    ("change", "into", "why"),
    [
        (b"LONG_COMMON_NAME", b"NAME", r"Loinc.csv, line 1: the column LONG_COMMON_NAME is missing"),
        (b'"Glass"', b'"Gl\xe4ss"', r"Loinc.csv, line 2: the text in column 2 is not UTF-8"),
        (b'"99902-9"', b'""', r"Loinc.csv, line 4: the column LOINC_NUM is empty"),
        (b'"Glass panel","', b'"Glass panel', r"Loinc.csv, line \d: (the row has|it is no CSV)"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: bytes, into: bytes, why: str) -> None:
    path = write(tmp_path)
    file = path / "LoincTable" / "Loinc.csv"
    assert change in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(change, into, 1))
    with pytest.raises(InvalidSource, match=why):
        read(LoincImport(), path)
