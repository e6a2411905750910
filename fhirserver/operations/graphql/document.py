"""The document of a request: parsed, one operation chosen, bounded in size and depth before anything is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
)

from fhirserver.operations.graphql.errors import QueryError

MAX_CHARACTERS = 200_000
MAX_TOKENS = 20_000
MAX_DEPTH = 24
"""Objects inside each other, fragments counted where they are spread."""
MAX_FIELDS = 5_000
"""Fields, fragments counted wherever they are spread."""


@dataclass(slots=True)
class Document:
    """The operation to execute and the fragments by name."""

    node: DocumentNode
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    _sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def measure(self) -> None:
        """Refuse a document that is too deep or too large once its fragments are spread, or never ends."""
        try:
            fields, depth = self._size(self.operation.selection_set)
        except RecursionError:
            raise QueryError("The query is nested too deeply") from None
        if depth > MAX_DEPTH:
            raise QueryError(f"The query is {depth} objects deep; {MAX_DEPTH} are allowed")
        if fields > MAX_FIELDS:
            raise QueryError(f"The query asks for more than {MAX_FIELDS} fields")

    def _size(self, selections: SelectionSetNode | None) -> tuple[int, int]:
        fields, depth = 0, 0
        for one in selections.selections if selections else ():
            if isinstance(one, FragmentSpreadNode):
                more, deep = self._size_of_fragment(one)
            else:
                more, deep = self._size(one.selection_set)  # type: ignore[attr-defined]
                if isinstance(one, FieldNode):
                    more, deep = more + 1, deep + 1
            fields, depth = min(fields + more, MAX_FIELDS + 1), max(depth, deep)
        return fields, depth

    def _size_of_fragment(self, spread: FragmentSpreadNode) -> tuple[int, int]:
        name = spread.name.value
        if name not in self._sizes:
            if name in self._open:
                raise QueryError(f"The fragment '{name[:64]}' spreads itself", spread)
            self._open.add(name)
            self._sizes[name] = self._size(self.fragment(spread).selection_set)
            self._open.discard(name)
        return self._sizes[name]

    def fragment(self, spread: FragmentSpreadNode) -> FragmentDefinitionNode:
        found = self.fragments.get(spread.name.value)
        if found is None:
            raise QueryError(f"There is no fragment '{spread.name.value[:64]}'", spread)
        return found

    def parts(
        self, selections: SelectionSetNode
    ) -> Iterator[FieldNode | InlineFragmentNode | FragmentSpreadNode]:
        for one in selections.selections:
            assert isinstance(one, FieldNode | InlineFragmentNode | FragmentSpreadNode)
            yield one


def read_document(text: str, operation_name: str) -> Document:
    """Parse a document. Raises :class:`QueryError` for what is no GraphQL, or no query.

    It is not safe to walk before it was measured.
    """
    if len(text) > MAX_CHARACTERS:
        raise QueryError(f"The query is longer than {MAX_CHARACTERS} characters")
    try:
        node = parse(text, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        where = error.locations[0] if error.locations else None
        at = f" at line {where.line}, column {where.column}" if where else ""
        raise QueryError(f"The query is not GraphQL: {error.message[:200]}{at}") from None
    except RecursionError:
        raise QueryError("The query is nested too deeply") from None
    operations = [one for one in node.definitions if isinstance(one, OperationDefinitionNode)]
    fragments = {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}
    return Document(node, _chosen(operations, operation_name), fragments)


def _chosen(operations: list[OperationDefinitionNode], name: str) -> OperationDefinitionNode:
    found = [one for one in operations if not name or (one.name is not None and one.name.value == name)]
    if len(found) != 1:
        wanted = f"one operation named '{name[:64]}'" if name else "one operation, or an operationName"
        raise QueryError(f"The document needs {wanted}; it has {len(found)}")
    if found[0].operation is not OperationType.QUERY:
        raise QueryError(f"Only queries are answered, not a {found[0].operation.value}", found[0])
    return found[0]
