"""The elements of a StructureDefinition as a tree, with slices beside what they slice.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.kernel.json import JsonObject


class Tree:
    """One element definition. ``children`` are by FHIRPath name (``value`` for ``value[x]``).

    Trees that the registry hands out are shared and are not changed; :meth:`copy` before grafting. ``url`` is
    that of the profile whose root it is.
    """

    __slots__ = ("children", "element", "slices", "url")

    def __init__(self, element: JsonObject):
        self.element = element
        self.children: dict[str, Tree] = {}
        self.slices: dict[str, Tree] = {}
        self.url = ""

    @property
    def path(self) -> str:
        return str(self.element["path"])

    @property
    def types(self) -> list[JsonObject]:
        found: list[JsonObject] = self.element.get("type", [])
        return found

    def copy(self) -> Tree:
        """A tree that may be changed without changing this one; element definitions are replaced, never edited."""
        made = Tree(self.element)
        made.children = {name: child.copy() for name, child in self.children.items()}
        made.slices = {name: one.copy() for name, one in self.slices.items()}
        return made

    def slice(self, name: str) -> Tree | None:
        """The slice of this name; ``a/b`` is the slice ``b`` of the slice ``a``."""
        if name in self.slices:
            return self.slices[name]
        outer = name.rpartition("/")[0]
        holder = self.slice(outer) if outer else None
        return holder.slices.get(name) if holder else None

    def add_slice(self, name: str, made: Tree) -> None:
        """Put a slice where it belongs: a reslice below the slice it slices."""
        outer = name.rpartition("/")[0]
        holder = self.slice(outer) if outer else None
        (holder or self).slices[name] = made


def element_name(path: str) -> str:
    """The FHIRPath name of the last step of a path."""
    return path.rpartition(".")[2].removesuffix("[x]")


def planted(elements: Iterable[JsonObject]) -> Tree:
    """The tree of a snapshot, whose elements stand in document order."""
    stack: list[Tree] = []
    for element in elements:
        parent_path = str(element["path"]).rpartition(".")[0]
        while stack and stack[-1].path != parent_path and len(stack) > 1:
            stack.pop()
        made = Tree(element)
        if stack:
            _plant(stack[-1], made)
        stack.append(made)
    if not stack:
        raise LookupError("the definition has no elements")
    return stack[0]


def _plant(parent: Tree, made: Tree) -> None:
    name = element_name(made.path)
    slice_name = made.element.get("sliceName")
    if not slice_name or made.path.count(".") == 0:
        parent.children[name] = made
        return
    sliced = parent.children.setdefault(name, Tree({**made.element, "min": 0, "max": "*", "sliceName": ""}))
    sliced.add_slice(slice_name, made)
