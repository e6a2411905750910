"""``$graphql`` on the system and on a resource: https://hl7.org/fhir/R4/resource-operation-graphql.html"""

from __future__ import annotations

from typing import NamedTuple

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, dumps, loads, loads_unique
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.validation import validate
from fhirserver.operations.graphql.arguments import variables_of
from fhirserver.operations.graphql.check import Check
from fhirserver.operations.graphql.document import read_document
from fhirserver.operations.graphql.errors import QueryError, answer, request_error
from fhirserver.operations.graphql.execute import Execution
from fhirserver.operations.graphql.introspection import Introspection
from fhirserver.operations.graphql.source import Source
from fhirserver.operations.graphql.types import QUERY
from fhirserver.operations.parameters import inputs

JSON = "application/json"


class Asked(NamedTuple):
    """A GraphQL request. https://graphql.org/learn/serving-over-http/"""

    query: str
    variables: JsonObject
    operation: str


async def graphql(context: Context, request: Request) -> Result:
    """Data and errors as JSON. A request that is no GraphQL is refused with an OperationOutcome (400)."""
    asked = _asked(request)
    source = Source(context)
    type, root = QUERY, {}
    if request.id:
        version = await current(context, request.type, request.id)
        type, root = request.type, loads(version.content)
    try:
        document = read_document(asked.query, asked.operation)
    except QueryError as error:
        raise _malformed(error.text) from None
    try:
        document.measure()
        variables = variables_of(document.operation, asked.variables)
        Check(document, variables).selections(type, document.operation.selection_set)
        execution = Execution(document, variables, source, Introspection(document, variables))
        data = await execution.run(type, root, root if request.id else None)
    except QueryError as error:
        return Result(200, dumps(request_error(error)), content_type=JSON, shown=source.shown)
    return Result(200, dumps(answer(data, execution.errors)), content_type=JSON, shown=source.shown)


def _asked(request: Request) -> Asked:
    """The query from the URL or the body: JSON, ``application/graphql``, or a Parameters resource."""
    url = dict(request.params)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.body and media == "application/graphql" and isinstance(request.body, bytes):
        return Asked(_utf8(request.body), _variables(url.get("variables")), url.get("operationName", ""))
    given: dict[str, Json] = dict(url)
    if request.body:
        body = request.json()
        if body.get("resourceType") == "Parameters":
            _check(body)
            body = {
                name: values[0]
                for name, values in inputs(Request(request.principal, "POST", body=body)).items()
            }
        given.update(body)
    query, operation = given.get("query"), given.get("operationName") or ""
    if not isinstance(query, str) or not query.strip():
        raise refuse(Category.INVALID, "required", "A GraphQL request has a query", "http.query")
    if not isinstance(operation, str):
        raise refuse(Category.INVALID, "value", "operationName is a string", "http.operationName")
    return Asked(query, _variables(given.get("variables")), operation)


def _check(parameters: JsonObject) -> None:
    """Refuse (400) a Parameters that is not valid."""
    issues = [issue for issue in validate(parameters) if issue.severity in ("error", "fatal")]
    if issues:
        raise Refusal(Category.INVALID, issues)


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise refuse(Category.INVALID, "structure", "The body is not UTF-8", "http.body") from None


def _variables(value: Json) -> JsonObject:
    if value in (None, ""):
        return {}
    try:
        found = loads_unique(value.encode()) if isinstance(value, str) else value
    except (InvalidJson, UnicodeEncodeError):
        found = None
    if not isinstance(found, dict):
        raise refuse(Category.INVALID, "value", "variables is a JSON object", "http.variables")
    return found


def _malformed(text: str) -> Refusal:
    return refuse(Category.INVALID, "invalid", text, "http.query")
