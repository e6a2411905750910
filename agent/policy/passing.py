"""What an agent's graph adds to the dialogue: sentences said in passing, and an end to asking on and on."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from itertools import count

from agent.policy.graph import ASKS_FACTS, Graph, State

FORM, PERSON = "form", "person"


def way(graph: Graph, start: str, end: str) -> Sequence[str]:
    """The shortest way between two states, by annotations where it can; empty where there is none.

    Between two signals a conversation may pass through several states.
    """
    order, seen = count(), set[str]()
    ahead: list[tuple[int, int, tuple[str, ...]]] = [(0, next(order), (start,))]
    while ahead:
        cost, _, path = heapq.heappop(ahead)
        if path[-1] == end and len(path) > 1:
            return path
        if path[-1] in seen or path[-1] not in graph:
            continue
        seen.add(path[-1])
        after = sorted(graph[path[-1]].after, key=lambda n: n not in graph or graph[n].kind != "annotation")
        for name in after:
            price = 0 if name in graph and graph[name].kind == "annotation" else 1
            heapq.heappush(ahead, (cost + price, next(order), (*path, name)))
    return ()


class Passing:
    """Remembers what was said in passing, and how often each state was spoken in."""

    def __init__(self, graph: Graph):
        self._graph = graph
        self._annotates = any(state.kind == "annotation" for state in graph.values())
        self._told: set[str] = set()
        self._spoken: Counter[str] = Counter()

    def between(self, before: str, now: str) -> Sequence[State]:
        """The annotations on the way from one state to another that have not been passed yet."""
        if not self._annotates or before == now:
            return ()
        passed = [self._graph[name] for name in way(self._graph, before, now) if name in self._graph]
        fresh = [one for one in passed if one.kind == "annotation" and one.name not in self._told]
        self._told.update(one.name for one in fresh)
        return fresh

    @property
    def guides(self) -> Sequence[str]:
        """What the practice would have a language model mind, of the annotations passed so far."""
        return [self._graph[name].guides for name in sorted(self._told) if self._graph[name].guides]

    def stuck(self, before: str, now: str) -> str:
        """An utterance was heard in ``before`` and led to ``now``: :data:`FORM` or :data:`PERSON` where it has been
        asked often enough, else empty."""
        if before != now or now not in self._graph:
            return ""
        state = self._graph[now]
        self._spoken[now] += 1
        if state.max_turns and self._spoken[now] >= state.max_turns:
            return PERSON
        if state.form_after and state.name in ASKS_FACTS and self._spoken[now] >= state.form_after:
            return FORM
        return ""
