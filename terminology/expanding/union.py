"""What several sets of codes hold together, so that a value set of ten thousand parts is not compared part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fhirserver.kernel.effort import check
from terminology.expanding.endless import Endless
from terminology.expanding.members import Listed, Members, Numbered


class Union:
    """Grows. Of each system there is one set, of each of its versions one; and one of what is only listed. Those without
    end stay as they are."""

    def __init__(self) -> None:
        self._numbered: dict[str, dict[int, Numbered]] = {}
        self._listed: dict[str, dict] = {}  # type: ignore[type-arg]
        self._endless: dict[str, list[Members]] = {}

    def __bool__(self) -> bool:
        return bool(self._numbered or self._listed or self._endless)

    def add(self, members: Members) -> None:
        check()
        if isinstance(members, Listed):
            self._listed.setdefault(members.url, {}).update(members.by_code)
            return
        if isinstance(members, Endless):
            self._endless.setdefault(members.url, []).append(members)
            return
        known = self._numbered.setdefault(members.url, {})
        before = known.get(id(members.system))
        numbers = members.numbers if before is None else members.numbers | before.numbers
        known[id(members.system)] = replace(members, numbers=numbers, order=None, own={})

    def of(self, url: str) -> Sequence[Members]:
        """What there is of a system."""
        listed = self._listed.get(url)
        found: list[Members] = [*self._numbered.get(url, {}).values(), *self._endless.get(url, ())]
        return found if listed is None else [*found, Listed(url, listed)]
