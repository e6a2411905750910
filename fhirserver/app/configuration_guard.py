"""What may become of a Library that is configuration, decided with every write, whoever's word it is.

An EHR must not be able to change what the agent says by a record of its own, nor anybody who may merely write
resources.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from fhirserver.access.principals import Principal
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.ports.agents import ERROR, Fault
from fhirserver.ports.log import Statement
from fhirserver.world.configuration import NoConfiguration, configured, kind_of

TYPE = "Library"
CHECKED = frozenset({"agent", "scheduling-rules", "phone-number", "chat-service"})
"""Kinds whose documents are checked when they are written; the others are when they are used."""
GUARDED = CHECKED | {"campaign", "form"}
"""The kinds that decide how people are spoken to, what of, and what they have to show for it."""
LARGEST = 256 * 1024
"""Characters of a document, as it lies in the Library."""


class ConfigurationGuard:
    """``admins`` are the principals that may change it; ``check`` tells what is wrong with a document of a kind."""

    def __init__(
        self,
        system: str,
        admins: Collection[Principal],
        check: Callable[[str, JsonObject], Sequence[Fault]],
    ):
        self._system, self._check = system, check
        self._admins = frozenset((one.source.id, one.name) for one in admins)
        self._also: Callable[[str, str], bool] = lambda source, principal: False

    def also(self, is_admin: Callable[[str, str], bool]) -> None:
        """Others who may too, asked each time by source and name: who comes and goes while the server runs."""
        self._also = is_admin

    def __call__(self, before: JsonObject, after: JsonObject, statement: Statement) -> None:
        """Refuses (403) whoever is no administrator, (422) what would be in force and has errors, and (405) to change
        a version that is kept."""
        kinds = {kind_of(before), kind_of(after)} & GUARDED
        if not kinds or _said(before) == _said(after) or statement.source == self._system:
            return
        who = statement.source, statement.principal
        if who not in self._admins and not self._also(*who):
            text = "A Library that is configuration is changed by the role 'admin' only"
            raise refuse(Category.FORBIDDEN, "forbidden", text, TYPE)
        if before and _is_kept(before) and after and _said(before) != _said(after):
            text = "A version that was published does not change: publish another one"
            raise refuse(Category.NOT_ALLOWED, "not-supported", text, TYPE)
        if kind_of(after) in GUARDED:
            self._check_document(after)

    def _check_document(self, library: JsonObject) -> None:
        if sum(len(str(one.get("data", ""))) for one in library.get("content", ())) > LARGEST:
            text = f"The document of a configuration is at most {LARGEST // 1024} KiB"
            raise refuse(Category.TOO_LARGE, "too-long", text, "Library.content")
        try:
            one = configured(library)
        except NoConfiguration as wrong:
            raise refuse(Category.UNPROCESSABLE, "value", str(wrong), "Library.content") from None
        # A draft may be unfinished: nothing is lost, and nothing is in force by it.
        if one.kind not in CHECKED or one.status == "draft":
            return
        errors = [fault for fault in self._check(one.kind, one.document) if fault.severity == ERROR]
        if errors:
            raise Refusal(
                Category.UNPROCESSABLE,
                [Issue("value", fault.detail, (fault.pointer or "/",)) for fault in errors],
            )


def _is_kept(library: JsonObject) -> bool:
    """Whether it is a published version of an agent."""
    return library.get("status") == "retired" and bool(library.get("url"))


def _said(library: JsonObject) -> dict[str, Any]:
    return {name: value for name, value in library.items() if name not in ("meta", "text")}
