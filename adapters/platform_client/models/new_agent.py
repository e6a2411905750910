from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.new_agent_document import NewAgentDocument


T = TypeVar("T", bound="NewAgent")


@_attrs_define
class NewAgent:
    """`id` stays for ever; the document becomes the draft, and may be unfinished.

    Attributes:
        title (str):
        id (str):
        description (str | Unset):  Default: ''.
        document (NewAgentDocument | Unset): The document; docs/platform/agents.md says what it may have, `agent-schema`
            its schema
    """

    title: str
    id: str
    description: str | Unset = ""
    document: NewAgentDocument | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.new_agent_document import NewAgentDocument  # noqa: PLC0415

        title = self.title

        id = self.id

        description = self.description

        document: dict[str, Any] | Unset = UNSET
        if not isinstance(self.document, Unset):
            document = self.document.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "title": title,
                "id": id,
            }
        )
        if description is not UNSET:
            field_dict["description"] = description
        if document is not UNSET:
            field_dict["document"] = document

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.new_agent_document import NewAgentDocument  # noqa: PLC0415

        d = dict(src_dict)
        title = d.pop("title")

        id = d.pop("id")

        description = d.pop("description", UNSET)

        _document = d.pop("document", UNSET)
        document: NewAgentDocument | Unset
        if isinstance(_document, Unset):
            document = UNSET
        else:
            document = NewAgentDocument.from_dict(_document)

        new_agent = cls(
            title=title,
            id=id,
            description=description,
            document=document,
        )

        return new_agent
