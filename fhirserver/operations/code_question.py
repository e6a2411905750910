"""``$validate-code`` of value sets and code systems: the question from the request, the answer as Parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.interactions.registry import Parameter
from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.operations.parameters import inputs, one, part
from fhirserver.operations.terminology_asked import ASKED, Given, asked_of, languages_of
from fhirserver.operations.terminology_input import asked_before, kept, service
from fhirserver.ports.code_validation import CodeAnswer, Coded, CodeQuestion, Form

ASKED_OF_CODES = (
    Parameter("display", "string", "The display to be checked with the code"),
    Parameter("coding", "Coding", "Code and system in one"),
    Parameter("codeableConcept", "CodeableConcept", "Several codings, of which one must be right"),
    Parameter("abstract", "boolean", "Whether abstract codes will do: they do where nothing is said"),
    Parameter("activeOnly", "boolean", "Whether inactive codes will not do"),
    Parameter("inferSystem", "boolean", "Whether the system is that of the value set's code"),
    Parameter("lenient-display-validation", "boolean", "Whether a wrong display is only warned of"),
    Parameter("valueset-membership-only", "boolean", "Whether nothing but membership is looked at"),
    Parameter("valueSetMode", "string", "CHECK_MEMBERSHIP_ONLY: the same"),
    Parameter("mode", "string", "The same, or lenient-display-validation"),
    Parameter("date", "dateTime", "Taken, and without effect"),
    *ASKED,
)
ANSWERED = (
    Parameter("result", "boolean", "Whether all that is said of the code is right", 1, use="out"),
    Parameter("message", "string", "What is wrong", use="out"),
    Parameter("code", "code", "The code that was looked for", use="out"),
    Parameter("system", "uri", "Its system", use="out"),
    Parameter("version", "string", "The version of the system that was used", use="out"),
    Parameter("display", "string", "The right display", use="out"),
    Parameter("codeableConcept", "CodeableConcept", "The concept that was asked about", use="out"),
    Parameter("inactive", "boolean", "Whether the code is inactive", use="out"),
    Parameter("status", "code", "Why it should not be used", use="out"),
    Parameter("normalized-code", "code", "The code as its system writes it", use="out"),
    Parameter("issues", "OperationOutcome", "What was found, each with its place", use="out"),
    Parameter("x-unknown-system", "canonical", "A system that is not known here", 0, "*", "out"),
    Parameter("x-caused-by-unknown-system", "canonical", "One that the answer hangs on", 0, "*", "out"),
)


def question_of(
    request: Request,
    given: Given,
    *,
    system: str,
    version: str,
    value_set: str | JsonObject | None = None,
    code_system: str | JsonObject | None = None,
) -> CodeQuestion:
    """``system`` and ``version`` are the parameters that go with a bare ``code``. Refuses (400) a request without a
    code of any form."""
    _check_forms(given)
    mode = str(one(given, "valueSetMode") or one(given, "mode") or "")
    concept = one(given, "codeableConcept")
    form, codings = _coded(given, system, version)
    return CodeQuestion(
        codings=tuple(codings),
        form=form,
        value_set=value_set,
        code_system=code_system,
        concept=concept if isinstance(concept, dict) else None,
        infer_system=_flag(given, "inferSystem"),
        abstract=_flag(given, "abstract", default=True),
        active_only=_flag(given, "activeOnly"),
        lenient_display=_flag(given, "lenient-display-validation") or mode == "lenient-display-validation",
        membership_only=_flag(given, "valueset-membership-only")
        or mode in ("CHECK_MEMBERSHIP_ONLY", "valueset-membership-only"),
        languages=languages_of(request, given),
    )


def _check_forms(given: Given) -> None:
    """One of the forms of a code, and only one: which of two was meant cannot be told."""
    stated = [name for name in ("code", "coding", "codeableConcept") if name in given]
    if len(stated) > 1:
        text = (
            f"One of 'code', 'coding' and 'codeableConcept' is given, not {' and '.join(map(repr, stated))}"
        )
        raise refuse(Category.INVALID, "invalid", text, f"Parameters.parameter.where(name='{stated[1]}')")


def _coded(given: Given, system: str, version: str) -> tuple[Form, list[Coded]]:
    concept, coding = one(given, "codeableConcept"), one(given, "coding")
    if isinstance(concept, dict):
        return "codeableConcept", [_coding(one) for one in concept.get("coding", ()) if isinstance(one, dict)]
    if isinstance(coding, dict):
        return "coding", [_coding(coding)]
    code = one(given, "code")
    if not code:
        text = "Unable to find code to validate (looked for coding | codeableConcept | code in parameters"
        text += " =codingX:Coding)"
        raise Refusal(Category.INVALID, (Issue("invalid", text, in_details=True),))
    url, of, display = (str(one(given, name) or "") for name in (system, version, "display"))
    return "code", [Coded(url, str(code), of, display)]


def _coding(coding: JsonObject) -> Coded:
    system, code, version, display = (
        str(coding.get(member, "")) for member in ("system", "code", "version", "display")
    )
    return Coded(system, code, version, display)


def _flag(given: Given, name: str, default: bool = False) -> bool:
    value = one(given, name)
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    if value is None:
        return default
    raise refuse(Category.INVALID, "value", f"{name} is true or false", f"http.{name}")


def parameters_of(answer: CodeAnswer) -> JsonObject:
    """The Parameters resource."""
    return {"resourceType": "Parameters", "parameter": list(_parts(answer))}


def _parts(answer: CodeAnswer) -> Iterator[JsonObject]:
    yield part("result", "Boolean", answer.result)
    values: tuple[tuple[str, str, Json], ...] = (
        ("code", "Code", answer.code),
        ("system", "Uri", answer.system),
        ("version", "String", answer.version),
        ("display", "String", answer.display),
        ("codeableConcept", "CodeableConcept", answer.concept),
        ("inactive", "Boolean", answer.inactive),
        ("status", "Code", answer.status),
        ("normalized-code", "Code", answer.normalized),
        ("message", "String", answer.message),
    )
    yield from (part(name, type, value) for name, type, value in values if value)
    unknown = "x-caused-by-unknown-system" if answer.caused_by_unknown else "x-unknown-system"
    yield from (part(unknown, "Canonical", canonical) for canonical in answer.unknown_systems)
    if answer.issues:
        yield {
            "name": "issues",
            "resource": {"resourceType": "OperationOutcome", "issue": list(answer.issues)},
        }


async def validated(
    context: Context, request: Request, question: Callable[[Request, Given], CodeQuestion]
) -> Result:
    """The answer to the question that a request asks of a value set or code system, on the type or an instance."""
    terminology = await service(context)
    if request.id:
        await current(context, request.type, request.id)
    asked = await asked_before(context, request)

    def make() -> bytes:
        given = inputs(request)
        asks = question(request, given)
        return dumps(parameters_of(terminology.validate(asks, asked or asked_of(request, given))))

    return await kept(context, request, "validate-code", make)
