from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.draft_rehearsed_document import DraftRehearsedDocument


T = TypeVar("T", bound="DraftRehearsed")


@_attrs_define
class DraftRehearsed:
    """The same of a definition that is not kept.

    Attributes:
        document (DraftRehearsedDocument): The definition, as docs/campaigns.md describes it
        most (int | Unset):  Default: 50.
        at (datetime.datetime | None | Unset):
    """

    document: DraftRehearsedDocument
    most: int | Unset = 50
    at: datetime.datetime | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.draft_rehearsed_document import DraftRehearsedDocument  # noqa: PLC0415

        document = self.document.to_dict()

        most = self.most

        at: None | str | Unset
        if isinstance(self.at, Unset):
            at = UNSET
        elif isinstance(self.at, datetime.datetime):
            at = self.at.isoformat()
        else:
            at = self.at

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "document": document,
            }
        )
        if most is not UNSET:
            field_dict["most"] = most
        if at is not UNSET:
            field_dict["at"] = at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.draft_rehearsed_document import DraftRehearsedDocument  # noqa: PLC0415

        d = dict(src_dict)
        document = DraftRehearsedDocument.from_dict(d.pop("document"))

        most = d.pop("most", UNSET)

        def _parse_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                at_type_0 = datetime.datetime.fromisoformat(data)

                return at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        at = _parse_at(d.pop("at", UNSET))

        draft_rehearsed = cls(
            document=document,
            most=most,
            at=at,
        )

        return draft_rehearsed
