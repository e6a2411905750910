"""How the slices of an element are told apart. https://hl7.org/fhir/R4/profiling.html#discriminator"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import FhirPathError, Path, Typed, compile_path
from fhirserver.model.fhirpath.references import literal_type, reference_text
from fhirserver.model.validation.profiles.registry import Registry, type_code, type_urls
from fhirserver.model.validation.profiles.tree import Tree
from fhirserver.model.validation.profiles.values import equal, fits, wanted_value

if TYPE_CHECKING:
    from fhirserver.model.validation.profiles.run import Run

Test: TypeAlias = "Callable[[list[Typed], Run], bool]"
"""Whether what a discriminator's path leads to is what the slice asks for."""
_STEP = re.compile(r"(\$this|[A-Za-z][A-Za-z0-9]*(?:\[x\])?)(?:\(\s*(?:'([^']*)'|([A-Za-z.]*))\s*\))?\.?")
_EXTENSION_URL = "url"


class Discriminator(NamedTuple):
    """``path`` is evaluated on an item, None where it leads to ``resolve()`` of a type test."""

    path: str
    types_only: bool
    test: Test

    def holds(self, item: Typed, run: Run) -> bool:
        """Whether an item may belong to the slice."""
        try:
            found = _compiled(self.path, item.type).on(item, run.environment)
        except FhirPathError:
            return False
        return self.test(found, run)


def _compiled(path: str, type_name: str) -> Path:
    context = type_name if definitions().type(type_name) is not None else None
    return compile_path(path or "$this", context, strict=False)


def discriminators(
    told: Iterable[JsonObject], one: Tree, registry: Registry, root: Tree
) -> tuple[Discriminator, ...]:
    """The tests of one slice, empty where the profile does not say how its items are known."""
    found: list[Discriminator] = []
    for discriminator in told:
        kind, path = str(discriminator.get("type", "value")), str(discriminator.get("path", "$this"))
        made = _discriminator(kind, path.replace("[x]", ""), one, registry, root)
        if made is not None:
            found.append(made)
    return tuple(found)


def _discriminator(kind: str, path: str, one: Tree, registry: Registry, root: Tree) -> Discriminator | None:
    targets = navigated(one, path, registry, root)
    types_only = kind == "type" and path.endswith("resolve()")
    data_path = path.removesuffix("resolve()").rstrip(".") if types_only else path
    test = _TESTS[kind](targets, registry) if targets and kind in _TESTS else None
    if test is None:
        return None
    return Discriminator(data_path, types_only, _of_targets(test) if types_only else test)


def _of_targets(test: Test) -> Test:
    """The types of what references point at, without having to find it."""

    def check(found: list[Typed], run: Run) -> bool:
        named = [name for item in found if (name := target_type(item, run))]
        return test([Typed({}, name) for name in named], run)

    return check


def target_type(item: Typed, run: Run) -> str:
    """The type of what a reference points at, empty where it cannot be told."""
    text = reference_text(item.value)
    if text is not None and (name := literal_type(text)):
        return name
    found = run.resolved(item)
    if found is not None:
        return str(found.get("resourceType", ""))
    declared = item.value.get("type") if isinstance(item.value, dict) else None
    return declared if isinstance(declared, str) else ""


# Where a path leads in the definition


def navigated(one: Tree, path: str, registry: Registry, root: Tree) -> list[Tree]:
    """The elements of the slice's definition that a discriminator's path names."""
    at, position = [one], 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return []
        position = step.end()
        at = [found for tree in at for found in _stepped(tree, step, registry, root)]
    return at


def _stepped(tree: Tree, step: re.Match[str], registry: Registry, root: Tree) -> list[Tree]:
    name, text, bare = step.groups()
    if name == "$this":
        return [tree]
    if name == "resolve":
        return _targets(tree, registry)
    if name == "ofType" or name == "as":
        return [_narrowed(tree, bare or "")]
    if name == "extension" and text:
        return _extension(tree, text, registry, root)
    child = registry.children(tree, root).get(name)
    return [child] if child else []


def _targets(tree: Tree, registry: Registry) -> list[Tree]:
    urls = [url for type_ in tree.types for url in type_.get("targetProfile", ())]
    found = (registry.tree(url) for url in urls)
    return [target for target in found if target is not None]


def _narrowed(tree: Tree, type_name: str) -> Tree:
    for one in tree.slices.values():
        if [type_code(t) for t in one.types] == [type_name]:
            return one
    made = tree.copy()
    made.element = {**tree.element, "type": [t for t in tree.types if type_code(t) == type_name]}
    return made


def _extension(tree: Tree, url: str, registry: Registry, root: Tree) -> list[Tree]:
    held = registry.children(tree, root).get("extension")
    for one in held.slices.values() if held else ():
        if any(url in t.get("profile", ()) for t in one.types) or _fixed_url(one, registry) == url:
            return [one]
    return []


def _fixed_url(extension: Tree, registry: Registry) -> str:
    found = registry.children(extension).get(_EXTENSION_URL)
    wanted = wanted_value(found.element) if found else None
    return str(wanted[1]) if wanted else ""


# The tests


def _value_test(targets: list[Tree], registry: Registry) -> Test | None:
    tests = [_value_of(tree, registry) for tree in targets]
    known = [test for test in tests if test is not None]
    if not known:
        return None
    return lambda found, run: any(test(found, run) for test in known)


def _value_of(tree: Tree, registry: Registry) -> Test | None:
    wanted = wanted_value(tree.element)
    if wanted is not None:
        same = equal if wanted[0] == "fixed" else fits
        return lambda found, run: any(same(item.value, wanted[1]) for item in found)
    binding = tree.element.get("binding", {})
    if binding.get("strength") == "required" and binding.get("valueSet"):
        value_set = str(binding["valueSet"])
        return lambda found, run: any(run.is_member(item, value_set) for item in found)
    return _by_children(tree, registry)


def _by_children(tree: Tree, registry: Registry) -> Test | None:
    """Where neither is said of the element itself: what is said of its children, one level after another."""
    tests: list[tuple[str, Test]] = []
    for name, child in tree.children.items():
        held = [child, *child.slices.values()]
        for one in held:
            test = (
                _value_of(one, registry) if one.element.get("min", 0) or wanted_value(one.element) else None
            )
            if test is not None:
                tests.append((name, test))
    if not tests:
        return None
    return lambda found, run: any(
        all(_below(item, name, test, run) for name, test in tests) for item in found
    )


def _below(item: Typed, name: str, test: Test, run: Run) -> bool:
    try:
        return test(_compiled(name, item.type).on(item, run.environment), run)
    except FhirPathError:
        return False


def _exists_test(targets: list[Tree], registry: Registry) -> Test | None:
    absent = all(tree.element.get("max") == "0" for tree in targets)
    return lambda found, run: bool(found) is not absent


def _type_test(targets: list[Tree], registry: Registry) -> Test | None:
    names = frozenset(name for tree in targets for name in _types_of(tree))
    if not names:
        return None
    model = definitions()
    return lambda found, run: any(model.is_a(item.type, name) for item in found for name in names)


def _types_of(tree: Tree) -> list[str]:
    """The types of an element; the root of a resource's definition has none and is its own."""
    return [type_code(t) for t in tree.types] or [tree.path]


def _profile_test(targets: list[Tree], registry: Registry) -> Test | None:
    urls = tuple(url for tree in targets for url in type_urls(tree))
    wanted = tuple(tree.url for tree in targets if tree.url) or urls
    if not wanted:
        return None
    return lambda found, run: any(run.conforms(item, url) for item in found for url in wanted)


_TESTS: dict[str, Callable[[list[Tree], Registry], Test | None]] = {
    "value": _value_test,
    "pattern": _value_test,
    "exists": _exists_test,
    "type": _type_test,
    "profile": _profile_test,
}
