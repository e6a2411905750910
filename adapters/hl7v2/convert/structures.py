"""Message structures: which group a segment belongs to, also in messages that do not keep to theirs.

A structure is a tree of groups and segments, from a message map's rows or from hl7apy's tables. A segment is placed
forward from where the last one stood, inner groups first; then anywhere; a group begun again is a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from adapters.hl7v2.maps.tables import MessageRow


class Slot:
    """A segment's place; ``rows`` are what the message map says of it."""

    __slots__ = ("group", "index", "name", "repeats", "rows")

    def __init__(self, name: str, repeats: bool, group: Group):
        self.name, self.repeats, self.group = name, repeats, group
        self.index = len(group.children)
        self.rows: list[MessageRow] = []


class Group:
    """``children`` are slots and groups in order; ``names`` all segments within, however deep; ``holders`` the
    children that are or have a segment."""

    __slots__ = ("children", "holders", "index", "name", "names", "parent", "repeats")

    def __init__(self, name: str, repeats: bool, parent: Group | None):
        self.name, self.repeats, self.parent = name, repeats, parent
        self.index = len(parent.children) if parent else 0
        self.children: list[Slot | Group] = []
        self.names: set[str] = set()
        self.holders: dict[str, list[Slot | Group]] = {}

    def ancestors(self) -> list[Group]:
        """From the root to this one."""
        return [*(self.parent.ancestors() if self.parent else ()), self]

    def slots(self) -> Iterable[Slot]:
        for child in self.children:
            if isinstance(child, Slot):
                yield child
            else:
                yield from child.slots()


class Instance:
    """One occurrence of a group in a message; ``at`` is the child that was reached, ``labels`` what was made in it."""

    __slots__ = ("at", "group", "labels", "parent")

    def __init__(self, group: Group, parent: Instance | None):
        self.group, self.parent, self.at = group, parent, -1
        self.labels: dict[str, Any] = {}

    def of(self, group: Group) -> Instance:
        """This one or the one around it that is of ``group``; the outermost where there is none."""
        at = self
        while at.group is not group and at.parent is not None:
            at = at.parent
        return at


class Walk:
    """Places the segments of one message one after the other."""

    def __init__(self, root: Group):
        self.root = Instance(root, None)
        self.current = self.root

    def place(self, name: str) -> tuple[Slot, Instance] | None:
        """None for a segment that the structure has nowhere."""
        if name not in self.root.group.names:
            return None
        return self._forward(name) or self._anywhere(name)

    def _forward(self, name: str) -> tuple[Slot, Instance] | None:
        instance: Instance | None = self.current
        while instance is not None:
            reached = instance.at
            for child in instance.group.holders.get(name, ()):
                if child.index > reached or (child.index == reached and child.repeats):
                    if isinstance(child, Slot):
                        return self._reached(child, instance)
                    return self._enter(child, instance, name)
            instance = instance.parent
        return None

    def _anywhere(self, name: str) -> tuple[Slot, Instance]:
        """Out of order: the nearest group around that has it, as it stands now."""
        instance = self.current
        while name not in instance.group.names and instance.parent is not None:
            instance = instance.parent
        for child in instance.group.children:
            if isinstance(child, Slot) and child.name == name:
                return self._reached(child, instance)
        group = next(c for c in instance.group.children if isinstance(c, Group) and name in c.names)
        return self._enter(group, instance, name)

    def _enter(self, group: Group, parent: Instance, name: str) -> tuple[Slot, Instance]:
        parent.at = group.index
        instance = Instance(group, parent)
        for child in group.children:
            if isinstance(child, Slot) and child.name == name:
                return self._reached(child, instance)
            if isinstance(child, Group) and name in child.names:
                return self._enter(child, instance, name)
        raise AssertionError(f"{group.name} has no {name}")

    def _reached(self, slot: Slot, instance: Instance) -> tuple[Slot, Instance]:
        instance.at = slot.index
        self.current = instance
        return slot, instance


def from_rows(name: str, rows: Sequence[MessageRow]) -> Group:
    """The structure that a message map describes by its rows: ``--- X begin`` is told by the syntax ``[{``."""
    root = group = Group(name, False, None)
    last = ""
    for row in rows:
        path = row.identifier
        if path.startswith("/"):
            group = group.parent or root
        elif row.syntax.strip("[]{} ") == "" and row.syntax:
            child = Group(path.rpartition(".")[2], "{" in row.syntax, group)
            group.children.append(child)
            group = child
        elif path == last and group.children and isinstance(group.children[-1], Slot):
            group.children[-1].rows.append(row)
        else:
            slot = Slot(path.rpartition(".")[2].strip(), "{" in row.syntax, group)
            slot.rows.append(row)
            group.children.append(slot)
        last = path
    return _named(root)


def from_tree(name: str, tree: Sequence[Any]) -> Group:
    """The structure of hl7apy's tables, without rows."""
    return _named(_grown(Group(name, False, None), tree))


def _grown(group: Group, tree: Sequence[Any]) -> Group:
    for name, repeats, *inner in tree:
        if inner:
            child: Slot | Group = _grown(Group(name, repeats, group), inner[0])
        else:
            child = Slot(name, repeats, group)
        group.children.append(child)
    return group


def _named(group: Group) -> Group:
    for child in group.children:
        names = {child.name} if isinstance(child, Slot) else _named(child).names
        group.names |= names
        for name in names:
            group.holders.setdefault(name, []).append(child)
    return group
