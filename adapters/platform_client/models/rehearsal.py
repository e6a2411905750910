from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.rehearsal_document_type_0 import RehearsalDocumentType0


T = TypeVar("T", bound="Rehearsal")


@_attrs_define
class Rehearsal:
    """What is to be played: a document that is sent, or the one that `of` names. `scenarios` are names of those that
    come with Credence; `given` are one's own, as a file of them (YAML, docs/evaluation.md). What is not played within
    `seconds` is told as unfinished.

        Attributes:
            of (str | Unset):  Default: 'draft'.
            document (None | RehearsalDocumentType0 | Unset):
            scenarios (list[str] | Unset):
            given (str | Unset):  Default: ''.
            seconds (int | Unset):  Default: 60.
    """

    of: str | Unset = "draft"
    document: None | RehearsalDocumentType0 | Unset = UNSET
    scenarios: list[str] | Unset = UNSET
    given: str | Unset = ""
    seconds: int | Unset = 60

    def to_dict(self) -> dict[str, Any]:
        from ..models.rehearsal_document_type_0 import RehearsalDocumentType0  # noqa: PLC0415

        of = self.of

        document: dict[str, Any] | None | Unset
        if isinstance(self.document, Unset):
            document = UNSET
        elif isinstance(self.document, RehearsalDocumentType0):
            document = self.document.to_dict()
        else:
            document = self.document

        scenarios: list[str] | Unset = UNSET
        if not isinstance(self.scenarios, Unset):
            scenarios = self.scenarios

        given = self.given

        seconds = self.seconds

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if of is not UNSET:
            field_dict["of"] = of
        if document is not UNSET:
            field_dict["document"] = document
        if scenarios is not UNSET:
            field_dict["scenarios"] = scenarios
        if given is not UNSET:
            field_dict["given"] = given
        if seconds is not UNSET:
            field_dict["seconds"] = seconds

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.rehearsal_document_type_0 import RehearsalDocumentType0  # noqa: PLC0415

        d = dict(src_dict)
        of = d.pop("of", UNSET)

        def _parse_document(data: object) -> None | RehearsalDocumentType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                document_type_0 = RehearsalDocumentType0.from_dict(data)

                return document_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RehearsalDocumentType0 | Unset, data)

        document = _parse_document(d.pop("document", UNSET))

        scenarios = cast(list[str], d.pop("scenarios", UNSET))

        given = d.pop("given", UNSET)

        seconds = d.pop("seconds", UNSET)

        rehearsal = cls(
            of=of,
            document=document,
            scenarios=scenarios,
            given=given,
            seconds=seconds,
        )

        return rehearsal
