"""The files of LOINC and what their columns become. https://hl7.org/fhir/R4/loinc.html"""

from __future__ import annotations

from terminology.imports.headers import HIERARCHY, Property
from terminology.imports.tables import Layout

LOINC = "http://loinc.org"
CSV = Layout(",", quoted=True)

AXES = ("COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP")
COLUMNS: tuple[str, ...] = (
    *AXES,
    "CLASS",
    "STATUS",
    "CLASSTYPE",
    "ORDER_OBS",
    "VersionFirstReleased",
    "VersionLastChanged",
    "CHNG_TYPE",
    "FORMULA",
    "EXMPL_ANSWERS",
    "SURVEY_QUEST_TEXT",
    "SURVEY_QUEST_SRC",
    "UNITSREQUIRED",
    "HL7_FIELD_SUBFIELD_ID",
    "EXTERNAL_COPYRIGHT_NOTICE",
    "EXTERNAL_COPYRIGHT_LINK",
    "EXAMPLE_UNITS",
    "EXAMPLE_UCUM_UNITS",
    "STATUS_REASON",
    "STATUS_TEXT",
    "CHANGE_REASON_PUBLIC",
    "COMMON_TEST_RANK",
    "COMMON_ORDER_RANK",
    "HL7_ATTACHMENT_STRUCTURE",
    "PanelType",
    "AskAtOrderEntry",
    "AssociatedObservations",
    "ValidHL7AttachmentRequest",
    "DOCUMENT_SECTION",
)
"""Columns of Loinc.csv that are properties of the same name. Older and newer releases lack some."""
NAMES = ("SHORTNAME", "CONSUMER_NAME", "DisplayName", "RELATEDNAMES2")
"""Columns of Loinc.csv that are designations, with the column as their use."""

PROPERTIES: tuple[Property, ...] = (
    *(
        (name, "string", "Column of Loinc.csv; of the axes and the class also the part, as a Coding")
        for name in COLUMNS
    ),
    ("copyright", "string", "LOINC, or 3rdParty for terms with a notice of others"),
    ("MAP_TO", "code", "What to use instead"),
    ("answer-list", "code", "An answer list of the term"),
    ("answers-for", "code", "A term that the answer list is for"),
    ("LIST", "code", "An answer list that has the answer"),
    ("panel-member", "code", "A term that is part of the panel"),
    ("PartTypeName", "string", "What kind of part it is"),
    ("LocalAnswerCode", "string", "How the answer list itself codes the answer"),
    ("Score", "decimal", "The score of the answer"),
    *HIERARCHY,
)
FILES = {
    "terms": ("Loinc.csv", "LoincTable.csv", "LoincTableCore.csv"),
    "parts": ("Part.csv",),
    "links": ("LoincPartLink_Primary.csv", "LoincPartLink_Supplementary.csv", "LoincPartLink.csv"),
    "answers": ("AnswerList.csv",),
    "answer links": ("LoincAnswerListLink.csv",),
    "panels": ("PanelsAndForms.csv",),
    "hierarchy": ("ComponentHierarchyBySystem.csv", "MultiAxialHierarchy.csv"),
    "languages": ("LinguisticVariants.csv",),
    "consumer names": ("ConsumerName.csv",),
    "replacements": ("MapTo.csv",),
}
COPYRIGHT = (
    "This material contains content from LOINC (http://loinc.org). LOINC is copyright © Regenstrief Institute, Inc. and"
    " the Logical Observation Identifiers Names and Codes (LOINC) Committee and is available at no cost under the"
    " license at http://loinc.org/license. LOINC® is a registered United States trademark of Regenstrief Institute,"
    " Inc."
)
