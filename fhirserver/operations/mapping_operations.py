"""The operations on ConceptMaps and NamingSystems, as the registry has them."""

from __future__ import annotations

from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.operations.concept_map_closure import concept_map_closure
from fhirserver.operations.concept_map_translate import concept_map_translate
from fhirserver.operations.naming_system_preferred_id import naming_system_preferred_id
from fhirserver.operations.terminology_asked import ASKED

_R4 = "http://hl7.org/fhir/OperationDefinition"
_TRANSLATE = (
    Parameter("url", "uri", "The ConceptMap's canonical URL; without one all that fit are used"),
    Parameter("conceptMap", "ConceptMap", "The ConceptMap itself"),
    Parameter("conceptMapVersion", "string", "The version of the ConceptMap"),
    Parameter("code", "code", "The code to translate"),
    Parameter("system", "uri", "The code's system; needed with a code"),
    Parameter("version", "string", "The version of the system"),
    Parameter("source", "uri", "The value set from which the code was chosen"),
    Parameter("coding", "Coding", "Code and system in one"),
    Parameter("codeableConcept", "CodeableConcept", "Several codings, each of which is translated"),
    Parameter("target", "uri", "The value set in which a translation is sought"),
    Parameter("targetsystem", "uri", "The code system in which a translation is sought"),
    Parameter(
        "dependency",
        "",
        "Another element that may help to find the right mapping",
        0,
        "*",
        parts=(
            Parameter("element", "uri", "The element"),
            Parameter("concept", "CodeableConcept", "Its value"),
        ),
    ),
    Parameter("reverse", "boolean", "Whether the maps are read from their target to their source"),
    Parameter("sourceCode", "code", "R5's name of code"),
    Parameter("sourceCoding", "Coding", "R5's name of coding"),
    Parameter("sourceCodeableConcept", "CodeableConcept", "R5's name of codeableConcept"),
    Parameter("sourceScope", "uri", "R5's name of source"),
    Parameter("sourceSystem", "uri", "The system of sourceCode, or the one sought for a targetCode"),
    Parameter("targetCode", "code", "R5: the code, with reverse"),
    Parameter("targetcode", "code", "The code of targetsystem that those of system are sought for"),
    Parameter("targetCoding", "Coding", "R5: the coding, with reverse"),
    Parameter("targetCodeableConcept", "CodeableConcept", "R5: the codeableConcept, with reverse"),
    Parameter("targetScope", "uri", "R5's name of target"),
    Parameter("targetSystem", "uri", "R5's name of targetsystem"),
    *ASKED,
    Parameter("result", "boolean", "Whether there is a translation", 1, use="out"),
    Parameter("message", "string", "Why not, or what else would help", use="out"),
    Parameter("used-conceptmap", "uri", "A ConceptMap to which another led", 0, "*", use="out"),
    Parameter(
        "match",
        "",
        "A translation, or the statement that there is none",
        0,
        "*",
        "out",
        (
            Parameter("equivalence", "code", "How it stands to the code", use="out"),
            Parameter("concept", "Coding", "The translation", use="out"),
            Parameter(
                "product",
                "",
                "Another element that the mapping yields",
                0,
                "*",
                "out",
                (
                    Parameter("element", "uri", "The element", use="out"),
                    Parameter("concept", "Coding", "Its value", use="out"),
                ),
            ),
            Parameter("source", "uri", "The ConceptMap, with its version", use="out"),
            Parameter("originMap", "canonical", "The same, by R5's name", use="out"),
            Parameter("sourceConcept", "Coding", "What was translated", use="out"),
            Parameter("sourceComment", "string", "What the map says of it", use="out"),
            Parameter("targetComment", "string", "What the map says of the translation", use="out"),
            Parameter("noMap", "boolean", "The map says that there is no translation", use="out"),
        ),
    ),
)
_CLOSURE = (
    Parameter("name", "string", "The name of the table, of the client's choice", 1),
    Parameter("concept", "Coding", "Concepts to add; without any the table is begun anew", 0, "*"),
    Parameter("version", "string", "Send all that was added since this version; 0 for all"),
    Parameter("return", "ConceptMap", "What to add to the table", 1, use="out"),
)
_PREFERRED = (
    Parameter("id", "string", "A URI, an OID, a UUID, or a code of v2 table 0396", 1),
    Parameter("type", "code", "oid, uuid, uri or other", 1),
    Parameter("result", "string", "The identifier of that type", 1, use="out"),
)

MAPPING = (
    Operation(
        "translate",
        "type instance",
        ("ConceptMap",),
        "read",
        concept_map_translate,
        f"{_R4}/ConceptMap-translate",
        parameters=_TRANSLATE,
        checks_types=True,
    ),
    Operation(
        "closure",
        "system type",
        ("ConceptMap",),
        "read",
        concept_map_closure,
        f"{_R4}/ConceptMap-closure",
        affects_state=True,
        parameters=_CLOSURE,
        checks_types=True,
    ),
    Operation(
        "preferred-id",
        "type",
        ("NamingSystem",),
        "read",
        naming_system_preferred_id,
        f"{_R4}/NamingSystem-preferred-id",
        parameters=_PREFERRED,
    ),
)
