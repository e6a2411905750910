"""The operations on code systems and value sets, as the registry has them."""

from __future__ import annotations

from fhirserver.interactions.registry import Handler, Operation, Parameter
from fhirserver.operations.batch_validate_code import VALIDATED, VALIDATION, batch_validate_code
from fhirserver.operations.code_question import ANSWERED, ASKED_OF_CODES
from fhirserver.operations.code_system_find_matches import code_system_find_matches
from fhirserver.operations.code_system_lookup import code_system_lookup
from fhirserver.operations.code_system_subsumes import code_system_subsumes
from fhirserver.operations.code_system_validate_code import code_system_validate_code
from fhirserver.operations.terminology_asked import ASKED
from fhirserver.operations.terminology_input import kept_answer
from fhirserver.operations.value_set_compare import value_set_compare
from fhirserver.operations.value_set_expand import value_set_expand
from fhirserver.operations.value_set_validate_code import value_set_validate_code
from fhirserver.world.vocabulary import BASE

_R4 = "http://hl7.org/fhir/OperationDefinition"
_CODE = Parameter("code", "code", "The code")
_URL = Parameter("url", "uri", "The code system; not on an instance")
_CODING = Parameter("coding", "Coding", "Code and system in one")
_SYSTEM = Parameter("system", "uri", "The code's system")
_VALUE_SET = (
    Parameter("url", "uri", "The value set's canonical URL; not on an instance"),
    Parameter("valueSet", "ValueSet", "The value set itself"),
    Parameter("valueSetVersion", "string", "The version of the value set"),
)
_DATE = Parameter("date", "dateTime", "Taken: what is known now is told, whatever the date")
_EXPAND = (
    *_VALUE_SET,
    Parameter("filter", "string", "Only codes that are called so: whole words or their beginnings"),
    Parameter("offset", "integer", "How many codes to leave out"),
    Parameter("count", "integer", "How many codes at most"),
    Parameter("includeDesignations", "boolean", "Whether designations are wanted"),
    Parameter("designation", "string", "Languages and uses of the designations that are wanted", 0, "*"),
    Parameter("includeDefinition", "boolean", "Whether the definition of the value set is wanted as well"),
    Parameter("property", "string", "Properties that are wanted of each code", 0, "*"),
    Parameter("excludeNested", "boolean", "Whether the codes are wanted in one list rather than a tree"),
    Parameter("excludeNotForUI", "boolean", "Whether abstract codes are left out"),
    Parameter("activeOnly", "boolean", "Whether inactive codes are left out"),
    Parameter(
        "excludePostCoordinated", "boolean", "Taken: there are no post-coordinated codes in expansions"
    ),
    Parameter("exclude-system", "canonical", "Systems whose codes are left out", 0, "*"),
    _DATE,
    Parameter("incomplete-ok", "boolean", "The same as limitedExpansion"),
    Parameter("default-to-latest-version", "boolean", "Taken: it always is"),
    Parameter("no-cache", "boolean", "Taken: what is kept is never stale"),
    Parameter("limitedExpansion", "boolean", "Whether the first codes are wanted where there are too many"),
    *ASKED,
    Parameter("return", "ValueSet", "The value set with its expansion", 1, use="out"),
)
_COMPARED = (
    Parameter("thisUrl", "uri", "The one value set's canonical URL; not on an instance"),
    Parameter("thisValueSet", "ValueSet", "The one value set itself"),
    Parameter("otherUrl", "uri", "The other value set's canonical URL"),
    Parameter("otherValueSet", "ValueSet", "The other value set itself"),
    Parameter("valueSetVersion", "string", "The version of value sets whose URL names none"),
    *ASKED,
    Parameter(
        "result", "code", "same, superset, subset, overlapping, disjoint or indeterminate", 1, use="out"
    ),
    Parameter("message", "string", "The same in words, or why it cannot be told", use="out"),
)
_LOOKED_UP = (
    Parameter("name", "string", "The code system", 1, use="out"),
    Parameter("version", "string", "The version of the code system", use="out"),
    Parameter("display", "string", "The preferred display", 1, use="out"),
    Parameter("definition", "string", "What the code means", use="out"),
    Parameter(
        "designation",
        "",
        "Other names",
        0,
        "*",
        "out",
        (Parameter("value", "string", "The name", 1, use="out"),),
    ),
    Parameter(
        "property", "", "Properties", 0, "*", "out", (Parameter("code", "code", "Its code", 1, use="out"),)
    ),
)


def _operation(name: str, level: str, type: str, handler: Handler, *parameters: Parameter) -> Operation:
    definition = f"{_R4}/{type}-{name}"
    return Operation(
        name,
        level,
        (type,),
        "read",
        handler,
        definition,
        parameters=parameters,
        takes_newer=True,
        checks_types=True,
        kept=kept_answer,
    )


TERMINOLOGY = (
    _operation(
        "lookup",
        "type instance",
        "CodeSystem",
        code_system_lookup,
        _CODE,
        _SYSTEM,
        Parameter("version", "string", "The version of the system"),
        _CODING,
        Parameter("property", "code", "Which properties are wanted; all without", 0, "*"),
        _DATE,
        *ASKED,
        *_LOOKED_UP,
    ),
    _operation(
        "find-matches",
        "type instance",
        "CodeSystem",
        code_system_find_matches,
        _SYSTEM,
        Parameter("version", "string", "The version of the system"),
        Parameter(
            "property",
            "",
            "Properties that the codes have",
            1,
            "*",
            parts=(
                Parameter("code", "code", "Its code", 1),
                Parameter("value", "code", "Its value", 0),
                Parameter("subproperty", "", "Code and value of a property nested in it", 0, "*"),
            ),
        ),
        Parameter(
            "exact", "boolean", "Whether only codes are wanted that have all the properties: they always are"
        ),
        Parameter(
            "match",
            "",
            "A code that has the properties",
            0,
            "*",
            "out",
            (Parameter("code", "Coding", "The code", 1, use="out"),),
        ),
    ),
    _operation(
        "validate-code",
        "type instance",
        "CodeSystem",
        code_system_validate_code,
        _URL,
        Parameter("codeSystem", "CodeSystem", "The code system itself"),
        _CODE,
        Parameter("system", "uri", "The code system, where there is no url"),
        Parameter("version", "string", "The version of the system"),
        *ASKED_OF_CODES,
        *ANSWERED,
    ),
    _operation(
        "subsumes",
        "type instance",
        "CodeSystem",
        code_system_subsumes,
        Parameter("codeA", "code", "The one code"),
        Parameter("codeB", "code", "The other code"),
        _SYSTEM,
        Parameter("codingA", "Coding", "The one code with its system"),
        Parameter("codingB", "Coding", "The other code with its system"),
        Parameter("version", "string", "The version of the system"),
        *ASKED,
        Parameter("outcome", "code", "equivalent, subsumes, subsumed-by or not-subsumed", 1, use="out"),
    ),
    _operation(
        "validate-code",
        "type instance",
        "ValueSet",
        value_set_validate_code,
        *_VALUE_SET,
        _CODE,
        _SYSTEM,
        Parameter("systemVersion", "string", "The version of the code's system"),
        *ASKED_OF_CODES,
        *ANSWERED,
    ),
    *(
        Operation(
            "batch-validate-code",
            "type",
            (type,),
            "read",
            batch_validate_code,
            f"{BASE}/OperationDefinition/{type}-batch-validate-code",
            description="Many questions of $validate-code in one request.",
            parameters=(VALIDATION, *ASKED_OF_CODES, *more, VALIDATED),
            takes_newer=True,
            checks_types=True,
        )
        for type, more in (
            ("ValueSet", (*_VALUE_SET, _CODE, _SYSTEM)),
            ("CodeSystem", (_URL, _CODE, _SYSTEM)),
        )
    ),
    _operation("expand", "type instance", "ValueSet", value_set_expand, *_EXPAND),
    *(
        Operation(
            name,
            "type instance",
            ("ValueSet",),
            "read",
            value_set_compare,
            f"{BASE}/OperationDefinition/ValueSet-{name}",
            description="How the codes of two value sets stand to each other.",
            parameters=_COMPARED,
            takes_newer=True,
            checks_types=True,
        )
        for name in ("compare", "related")
    ),
)
