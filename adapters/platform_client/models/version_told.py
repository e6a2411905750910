from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.link import Link


T = TypeVar("T", bound="VersionTold")


@_attrs_define
class VersionTold:
    """A version that was published; it never changes. `active`: it is in force.

    Attributes:
        agent (str):
        version (int):
        note (str):
        active (bool):
        library (Link): A FHIR resource: what it says is read there, never here.
    """

    agent: str
    version: int
    note: str
    active: bool
    library: Link
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        agent = self.agent

        version = self.version

        note = self.note

        active = self.active

        library = self.library.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "agent": agent,
                "version": version,
                "note": note,
                "active": active,
                "library": library,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        agent = d.pop("agent")

        version = d.pop("version")

        note = d.pop("note")

        active = d.pop("active")

        library = Link.from_dict(d.pop("library"))

        version_told = cls(
            agent=agent,
            version=version,
            note=note,
            active=active,
            library=library,
        )

        version_told.additional_properties = d
        return version_told

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
