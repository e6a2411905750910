"""What a body must be before it becomes a statement, and conditions as searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.references import path_of_reference, walk_references
from fhirserver.model.definitions import definitions
from fhirserver.model.links import Find, relink
from fhirserver.model.validation import validate
from fhirserver.search.coded import LISTED_AT_MOST
from fhirserver.search.expression import Query
from fhirserver.search.parse import parse
from fhirserver.search.settling import is_open

RESULT_PARAMS = frozenset(
    {"_sort", "_count", "_include", "_revinclude", "_summary", "_elements", "_total", "_cursor"}
)

_HOLDS_OTHERS = frozenset({"Bundle", "Parameters"})
"""What stands inside these is not resolved here: a Bundle may be stored to be posted later."""

MOST_VALUES = 10_000
"""Items of a list whose items are claims by themselves."""
_BY_VALUE = frozenset({"identifier", "name", "telecom", "address", "extension"})


def known_type(type: str) -> None:
    """Refuse (404) a type that R4 does not have."""
    if type not in definitions().resource_types:
        raise refuse(
            Category.NOT_FOUND, "not-supported", f"'{type[:64]}' is not an R4 resource type", "http.url"
        )


def accept(content: JsonObject, type: str, partial: bool = False) -> JsonObject:
    """The body, structurally valid and of the type the URL says. Raises a refusal with every issue."""
    stated = content.get("resourceType")
    if stated is None:
        raise refuse(Category.INVALID, "required", "The body has no resourceType", "resourceType")
    if stated != type:
        raise refuse(
            Category.INVALID, "invalid", f"The URL says {type}, the body another resourceType", "resourceType"
        )
    _check_lists(content)
    issues = [issue for issue in validate(content, partial=partial) if issue.severity in ("error", "fatal")]
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)
    return content


def _check_lists(content: JsonObject) -> None:
    """Refuse (413) a list of values, each a claim and an index entry of its own, that is longer than real ones."""
    for name, value in content.items():
        if isinstance(value, list) and len(value) > MOST_VALUES and name in _BY_VALUE:
            text = f"There may be {MOST_VALUES} of these; here are {len(value)}"
            raise refuse(Category.TOO_LARGE, "too-costly", text, f"{content['resourceType']}.{name}")


def without_id(content: JsonObject) -> JsonObject:
    """The body of a create: "if an id is provided, the server SHALL ignore it". One that is no text stays wrong."""
    if not isinstance(content.get("id"), str):
        return content
    return {name: value for name, value in content.items() if name != "id"}


def localised(context: Context, content: JsonObject, wire: object = None) -> JsonObject:
    """The content with references that begin with the server's own base made relative, as they are searched.

    ``wire`` is the body as it came, where that is known: mostly it shows at once that there is no such reference.
    """
    if isinstance(wire, bytes) and b"\\" not in wire and context.base_url.encode() not in wire:
        return content
    return relink(content, no_link, relative(context))


def refuse_conditional(content: JsonObject, wire: object = None) -> None:
    """Refuse (422) a conditional reference where there is no transaction that would resolve it.

    "Conditional references are only allowed in transactions": kept as it is, it would lead nowhere.
    https://hl7.org/fhir/R4/http.html#trules
    """
    if (isinstance(wire, bytes) and b"?" not in wire) or content.get("resourceType") in _HOLDS_OTHERS:
        return
    for holder in walk_references(content):
        if is_conditional(holder["reference"]):
            raise _out_of_place(path_of_reference(content, holder["reference"]))


def is_conditional(reference: str) -> bool:
    """Whether a reference is ``Type?criteria``."""
    type, mark, _ = reference.partition("?")
    return bool(mark) and type.isalpha() and type[:1].isupper()


def _out_of_place(where: str) -> Refusal:
    text = "A conditional reference is only resolved in a transaction"
    return refuse(Category.UNPROCESSABLE, "business-rule", text, where)


def unconditional(find: Find) -> Find:
    """Like ``find``, and refuses conditional references in the body of a patch."""

    def checked(reference: str) -> str | None:
        if is_conditional(reference):
            raise _out_of_place("http.body")
        return find(reference)

    return checked


def relative(context: Context) -> Find:
    """Finds what a reference that begins with the server's own base is without it."""
    base = f"{context.base_url}/"

    def find(reference: str) -> str | None:
        return reference.removeprefix(base) if reference.startswith(base) else None

    return find


def no_link(uri: str) -> None:
    """Only references are made relative: a uri that begins so may be meant as it is."""


def check_id(content: JsonObject, type: str, id: str) -> None:
    """Refuse a bad id, and a body whose id is not that of the URL (400)."""
    if not is_id(id):
        raise refuse(Category.INVALID, "value", "An id is 1 to 64 of A-Z a-z 0-9 - .", f"{type}.id")
    if content.get("id") != id:
        text = "The body's id is not the one in the URL" if "id" in content else "The body needs the URL's id"
        raise refuse(Category.INVALID, "invalid", text, f"{type}.id")


def condition(context: Context, type: str, criteria: str | Sequence[tuple[str, str]]) -> tuple[str, Query]:
    """A condition's name and search. An empty or unknown criterion is refused: it would match too much."""
    if isinstance(criteria, str):
        criteria = parse_qsl(criteria.lstrip("?"), keep_blank_values=True)
    criteria = [pair for pair in criteria if pair[0].split(":")[0] not in RESULT_PARAMS]
    if not criteria:
        text = "A condition needs a search criterion"
        raise refuse(Category.PRECONDITION_FAILED, "incomplete", text, "http.url")
    name = f"{type}?" + "&".join(f"{key}={value}" for key, value in criteria)
    query = parse(
        type,
        [*criteria, ("_count", "2")],
        base=context.base_url,
        terminology=context.terminology,
        known=context.store.parameters.current,
        listed=LISTED_AT_MOST,
    )
    if is_open(query):  # whoever decides on writes waits for nobody
        text = f"A condition cannot be about value sets of more than {LISTED_AT_MOST} codes"
        raise refuse(Category.INVALID, "too-costly", text, "http.url")
    return name, query


def if_none_exist(context: Context, type: str, header: str) -> tuple[str, Query]:
    """The condition of a conditional create. What is wrong with it is wrong with the header.

    It is the part of a search URL after ``?``; some clients send the whole URL, or that from the type on.
    """
    try:
        return condition(context, type, _criteria(context, type, header))
    except Refusal as refusal:
        issues = [replace(issue, expression=("http.If-None-Exist",)) for issue in refusal.issues]
        raise Refusal(refusal.category, issues) from None


def _criteria(context: Context, type: str, text: str) -> str:
    """The criteria of a search, without the URL before them. One of another type or server is refused."""
    path, mark, criteria = text.partition("?")
    if not mark or "=" in path:
        return text
    path = path.strip().removeprefix(context.base_url).strip("/")
    if path not in ("", type):
        raise refuse(Category.INVALID, "value", f"The condition is to be criteria for {type}")
    return criteria
