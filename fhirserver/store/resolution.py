"""What a condition matches once the command it belongs to is done.

"Resolve any conditional references" is the last step of a transaction (https://hl7.org/fhir/R4/http.html#trules):
what the transaction itself creates can be meant, what it deletes cannot. The storage has seen neither yet, so the
command's own resources are matched here. A chain leads out of the resource; such a condition is answered by the
storage alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fhirserver.kernel.instants import parse_instant
from fhirserver.ports.storage import Key
from fhirserver.search.expression import Chain, Everything, Expression, Has, Query, Within, leaves
from fhirserver.search.index import extract
from fhirserver.search.match import Entry, matches
from fhirserver.store.commands import Put, Remove, Write

Target = Callable[[Put], Key]
"""What a create or update of the command is about; its match where it is conditional."""


def matched_after(
    query: Query, found: Sequence[Key], writes: Iterable[Write], target: Target, recorded: str
) -> list[Key]:
    """The keys that ``query`` matches after ``writes``, of which the storage ``found`` those it had before."""
    keys = dict.fromkeys(found)
    local = _is_local(query.where)
    for write in writes:
        if isinstance(write, Remove) and write.id:
            keys.pop(Key(write.type, write.id), None)
        elif isinstance(write, Put) and write.type == query.type and local:
            key = target(write)
            if write.unless and key.id != write.id:
                continue  # it matched, so nothing is written
            if _matches(query, key, write, recorded):
                keys[key] = None
            else:
                keys.pop(key, None)
    return list(keys)


def _matches(query: Query, key: Key, put: Put, recorded: str) -> bool:
    values = extract({**put.content, "resourceType": key.type, "id": key.id})
    updated = int(parse_instant(recorded).timestamp() * 1000) * 1000
    return matches(query.where, Entry(key.type, key.id, updated, values), _Alone())


class _Alone:
    """A world of one resource, which asks nothing of others."""

    def entry(self, type: str, id: str) -> Entry | None:
        return None

    def entries(self, type: str) -> Iterable[Entry]:
        return ()


def _is_local(expression: Expression) -> bool:
    """Whether the resource alone tells if an expression holds."""
    return not any(isinstance(one, Chain | Has | Within | Everything) for one in leaves(expression))
