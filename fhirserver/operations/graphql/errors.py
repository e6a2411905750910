"""Errors as GraphQL says them: a text, where in the document, where in the answer."""

from __future__ import annotations

from collections.abc import Sequence

from graphql import Node, get_location

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Refusal, operation_outcome

Path = tuple[str | int, ...]


class QueryError(Exception):
    """The document asks for what there is not, or too much; nothing is answered."""

    def __init__(self, text: str, node: Node | None = None):
        super().__init__(text)
        self.text, self.node = text, node


def error_json(text: str, node: Node | None, path: Path = (), refusal: Refusal | None = None) -> JsonObject:
    """One member of ``errors``. An OperationOutcome goes along as ``extensions.resource``."""
    json: JsonObject = {"message": text}
    if node is not None and node.loc is not None:
        at = get_location(node.loc.source, node.loc.start)
        json["locations"] = [{"line": at.line, "column": at.column}]
    if path:
        json["path"] = list(path)
    if refusal is not None:
        json["extensions"] = {"resource": operation_outcome(refusal.issues)}
    return json


def request_error(error: QueryError) -> JsonObject:
    """The answer to a document that cannot be executed: errors and no data."""
    return {"errors": [error_json(error.text, error.node)]}


def answer(data: Json, errors: Sequence[JsonObject]) -> JsonObject:
    """The answer to a document that was executed."""
    return {"data": data, "errors": list(errors)} if errors else {"data": data}
