"""The ways of a document's own through a conversation: when they are come to, and where each state leads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from agent.policy.graph import GRAPH, PATHS, Graph


class OwnWays:
    """Remembers which states were come to: each is once in a conversation."""

    def __init__(self, graph: Graph):
        self._graph = graph
        self._any = any(state.own for state in graph.values())
        self.seen: set[str] = set()

    def between(self, before: str, now: str, kind: str = "") -> list[tuple[str, str]]:
        """The states of the document's own with which a way begins that lies between two built ones, each with the
        built state behind it; ``kind`` is the business at hand. Those that were come to already are left out."""
        if not self._any or before == now:
            return []
        return [
            (name, after)
            for one, after in pairwise(stations(before, now, kind))
            for name in (self._graph[one].after if one in self._graph else ())
            if self._is_fresh(name) and after in self._exits(name)
        ]

    def _is_fresh(self, name: str) -> bool:
        return name in self._graph and self._graph[name].own is not None and name not in self.seen

    def _exits(self, name: str) -> set[str]:
        """The built states behind a state of the document's own, and behind those that follow it."""
        found, ahead = set[str](), [name]
        while ahead:
            for one in self._graph[ahead.pop()].after:
                if one in self._graph and self._graph[one].own:
                    ahead.append(one)
                else:
                    found.add(one)
        return found


def stations(before: str, now: str, kind: str = "") -> Sequence[str]:
    """The built states that a conversation passes from one to another. Where the caller has said more already, those
    of the business are passed as well that were not asked in."""
    path = PATHS.get(kind, ())
    if now not in path:
        return _shortest(before, now)
    end = path.index(now)
    if before in path:
        return path[path.index(before) : end + 1] if path.index(before) < end else (before, now)
    return (*_shortest(before, path[0]), *path[1 : end + 1])


def _shortest(before: str, now: str) -> Sequence[str]:
    ahead: list[tuple[str, ...]] = [(before,)]
    seen = {before}
    for way in ahead:
        for name in GRAPH[way[-1]].after if way[-1] in GRAPH else ():
            if name == now:
                return (*way, name)
            if name not in seen:
                seen.add(name)
                ahead.append((*way, name))
    return (before, now)
