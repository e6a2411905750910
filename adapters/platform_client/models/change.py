from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
import datetime


T = TypeVar("T", bound="Change")


@_attrs_define
class Change:
    """What was said when, and by whom. `revision` is the version of the FHIR resource.

    Attributes:
        revision (str):
        recorded (datetime.datetime):
        by (str):
        status (str):
        version (str | Unset):  Default: ''.
        deleted (bool | Unset):  Default: False.
    """

    revision: str
    recorded: datetime.datetime
    by: str
    status: str
    version: str | Unset = ""
    deleted: bool | Unset = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        revision = self.revision

        recorded = self.recorded.isoformat()

        by = self.by

        status = self.status

        version = self.version

        deleted = self.deleted

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "revision": revision,
                "recorded": recorded,
                "by": by,
                "status": status,
            }
        )
        if version is not UNSET:
            field_dict["version"] = version
        if deleted is not UNSET:
            field_dict["deleted"] = deleted

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        revision = d.pop("revision")

        recorded = datetime.datetime.fromisoformat(d.pop("recorded"))

        by = d.pop("by")

        status = d.pop("status")

        version = d.pop("version", UNSET)

        deleted = d.pop("deleted", UNSET)

        change = cls(
            revision=revision,
            recorded=recorded,
            by=by,
            status=status,
            version=version,
            deleted=deleted,
        )

        change.additional_properties = d
        return change

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
