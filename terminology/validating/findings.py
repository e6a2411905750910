"""What is found out about a code, as issues of an OperationOutcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Issue

UNPLACED = frozenset(
    {
        "None_of_the_provided_codes_are_in_the_value_set_one",
        "TX_GENERAL_CC_ERROR_MESSAGE",
        "Unknown_Code_in_Version",
        "Unknown_Code_in",
        "Display_Name_for__should_be_one_of__instead_of",
        "Display_Name_WS_for__should_be_one_of__instead_of",
        "Coding_has_no_system__cannot_validate",
        "Coding_has_no_code__cannot_validate",
    }
)
"""Messages whose issues have no ``location``, which R4 has deprecated; clients of the ecosystem expect it in others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``type`` is of the tx-issue-type code system. ``told``: it is in the message of the answer, too."""

    severity: str
    code: str
    type: str
    message_id: str
    text: str
    path: str = ""
    told: bool = False

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    def as_issue(self) -> Issue:
        place = (self.path,) if self.path else ()
        return Issue(self.code, self.text, place, self.severity, self.type, self.message_id)

    def as_json(self, placed: bool = True) -> JsonObject:
        json = self.as_issue().as_json()
        if placed and self.path and self.message_id not in UNPLACED:
            json["location"] = [self.path]
        return json


class Findings:
    """In the order in which they were made, each once."""

    def __init__(self) -> None:
        self._made: dict[Finding, None] = {}

    def add(self, *findings: Finding) -> None:
        self._made.update(dict.fromkeys(findings))

    def extend(self, findings: Iterable[Finding]) -> None:
        self.add(*findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def softened(self, message_id: str) -> Findings:
        """With warnings for the errors of one kind."""
        other = Findings()
        for one in self:
            is_soft = one.is_error and one.message_id == message_id
            other.add(replace(one, severity="warning", told=True) if is_soft else one)
        return other

    @property
    def have_errors(self) -> bool:
        return any(one.is_error for one in self._made)

    def message(self) -> str:
        """All errors, and what else is to be told, in alphabetical order."""
        texts = {one.text for one in self._made if one.is_error or one.told}
        return "; ".join(sorted(texts))
