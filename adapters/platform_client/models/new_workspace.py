from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset


T = TypeVar("T", bound="NewWorkspace")


@_attrs_define
class NewWorkspace:
    """A tenant with a store of its own. `source` is the one as which its first key speaks.

    Attributes:
        id (str):
        name (str):
        description (str | Unset):  Default: ''.
        source (str | Unset):  Default: ''.
    """

    id: str
    name: str
    description: str | Unset = ""
    source: str | Unset = ""

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name = self.name

        description = self.description

        source = self.source

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "name": name,
            }
        )
        if description is not UNSET:
            field_dict["description"] = description
        if source is not UNSET:
            field_dict["source"] = source

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        description = d.pop("description", UNSET)

        source = d.pop("source", UNSET)

        new_workspace = cls(
            id=id,
            name=name,
            description=description,
            source=source,
        )

        return new_workspace
