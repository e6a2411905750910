from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.sent_document_document import SentDocumentDocument


T = TypeVar("T", bound="SentDocument")


@_attrs_define
class SentDocument:
    """The whole draft.

    Attributes:
        document (SentDocumentDocument): The document; docs/platform/agents.md says what it may have, `agent-schema` its
            schema
    """

    document: SentDocumentDocument

    def to_dict(self) -> dict[str, Any]:
        from ..models.sent_document_document import SentDocumentDocument  # noqa: PLC0415

        document = self.document.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "document": document,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.sent_document_document import SentDocumentDocument  # noqa: PLC0415

        d = dict(src_dict)
        document = SentDocumentDocument.from_dict(d.pop("document"))

        sent_document = cls(
            document=document,
        )

        return sent_document
