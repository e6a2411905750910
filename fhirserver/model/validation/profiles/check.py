"""Values against the elements of a profile. https://hl7.org/fhir/R4/profiling.html"""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import Typed
from fhirserver.model.fhirpath.elements import is_primitive
from fhirserver.model.validation.invariants import check_invariants
from fhirserver.model.validation.profiles.items import Placed, items
from fhirserver.model.validation.profiles.nodes import Node, Slice, Slicing
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.profiles.targets import check_target
from fhirserver.model.validation.report import Place


def check_profile(url: str, item: Typed, place: Place, run: Run) -> None:
    """A resource or a value against a profile; one that was checked before is not checked again."""
    node = run.node(url)
    key = (id(item.value), url)
    if node is None or (isinstance(item.value, dict) and key in run.done):
        return
    run.done.add(key)
    type_name = run.profiles.type_of(url)
    if type_name and not definitions().is_a(item.type, type_name):
        run.add("structure", f"is a {item.type}, and the profile {url} is for {type_name}", place)
    elif isinstance(item.value, dict) and "resourceType" in item.value:
        with run.within(item.value):
            check_value(node, item, place, run)
    else:
        check_value(node, item, place, run)


def check_value(node: Node, item: Typed, place: Place, run: Run) -> None:
    """What a profile asks of one value and of what is in it."""
    run.beat()
    if node.types is not None and not _is_one_of(item.type, node.types):
        allowed = ", ".join(sorted(node.types))
        run.add("structure", f"is a {item.type}; the profile allows {allowed} ({node.label})", place)
        return
    for check in node.checks:
        fault = check(item)
        if fault is not None:
            run.add(fault[0], f"{fault[1]} ({node.label})", place)
    for binding in node.bindings:
        run.codes.check_binding(item, binding, place, run.report)
    check_invariants(item, node.invariants, place, run.environment, run.report)
    _type_profiles(node, item, place, run)
    if node.targets or node.aggregation:
        check_target(node, item, place, run)
    if not isinstance(item.value, dict) and not is_primitive(item.type):
        return  # the structure says so; what such a value lacks says nothing more
    for child in node.children:
        check_items(child, items(item, child.name, place), (place, child.name, -1), run)


def _is_one_of(type_name: str, allowed: frozenset[str]) -> bool:
    if type_name in allowed or "." in type_name:
        return True
    return any(definitions().is_a(type_name, name) for name in allowed)


def _type_profiles(node: Node, item: Typed, place: Place, run: Run) -> None:
    """A value fits one of the profiles of its type."""
    urls = node.profiles.get(item.type, ())
    if not urls and item.type != "Resource" and node.profiles:
        urls = tuple(u for t, us in node.profiles.items() if definitions().is_a(item.type, t) for u in us)
    if len(urls) == 1:
        if run.node(urls[0]) is None:
            run.add("not-found", f"{run.profiles.missing(urls[0])}, so it was not checked", place, "warning")
        check_profile(urls[0], item, place, run)
    elif urls and not any(run.node(url) is None or run.conforms(item, url) for url in urls):
        run.add("structure", f"fits none of the profiles {', '.join(urls)} ({node.label})", place)


def check_items(node: Node, found: Sequence[Placed], place: Place, run: Run) -> None:
    """All values of one element: how many, each of them, and its slices. ``place`` has no index."""
    _count(node, len(found), place, run)
    if node.asks_of_values:
        for item, at in found:
            check_value(node, item, at, run)
    if node.slicing is not None:
        _check_slices(node, node.slicing, found, place, run)


def _count(node: Node, count: int, place: Place, run: Run) -> None:
    """What the base allows too is the base's to report."""
    if count < node.min and count >= node.base_min:
        run.add("required", f"the profile asks for at least {node.min}, found {count} ({node.label})", place)
    if node.max is not None and count > node.max and (node.base_max is None or count <= node.base_max):
        code = "structure" if node.max else "value"
        run.add(code, f"the profile allows at most {node.max}, found {count} ({node.label})", place)


def _check_slices(node: Node, slicing: Slicing, found: Sequence[Placed], place: Place, run: Run) -> None:
    assigned = [(placed, _slice_of(placed, slicing, run)) for placed in found]
    for one in slicing.slices:
        check_items(one.node, [placed for placed, held in assigned if held is one], place, run)
    known = [None if held is None else slicing.slices.index(held) for _, held in assigned]
    for (_, at), number in zip(found, known, strict=True):
        if number is None and slicing.rules == "closed":
            run.add("structure", f"fits none of the slices, and they are closed ({node.label})", at)
    if slicing.rules == "openAtEnd":
        _nothing_between(node, found, known, run)
    if slicing.ordered:
        _in_order(node, found, known, run)


def _slice_of(placed: Placed, slicing: Slicing, run: Run) -> Slice | None:
    """The first slice that an item belongs to."""
    return next((one for one in slicing.slices if _belongs(one, placed[0], run)), None)


def _belongs(one: Slice, item: Typed, run: Run) -> bool:
    if one.tests:
        return all(test.holds(item, run) for test in one.tests)
    if not one.node.asks_of_values:
        return False
    with run.trial() as report:
        check_value(one.node, item, (None, item.type, -1), run)
    return not any(issue.severity == "error" for issue in report.issues)


def _nothing_between(node: Node, found: Sequence[Placed], known: Sequence[int | None], run: Run) -> None:
    last = max((at for at, number in enumerate(known) if number is not None), default=-1)
    for at, number in enumerate(known[: last + 1]):
        if number is None:
            words = f"fits none of the slices and stands before them ({node.label})"
            run.add("structure", words, found[at][1])


def _in_order(node: Node, found: Sequence[Placed], known: Sequence[int | None], run: Run) -> None:
    highest = -1
    for (_, at), number in zip(found, known, strict=True):
        if number is not None:
            if number < highest:
                run.add("structure", f"stands after a slice that must come after it ({node.label})", at)
            highest = max(highest, number)
