from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.key_shown_role import check_key_shown_role
from ..models.key_shown_role import KeyShownRole
from ..types import UNSET, Unset
from typing import cast
import datetime


T = TypeVar("T", bound="KeyShown")


@_attrs_define
class KeyShown:
    """A key with its secret, this once.

    Attributes:
        id (str):
        name (str):
        role (KeyShownRole):
        source (str):
        made_by (str):
        made (datetime.datetime):
        key (str):
        expires (datetime.datetime | None | Unset):
        rotated (datetime.datetime | None | Unset):
        last_used (datetime.datetime | None | Unset):
    """

    id: str
    name: str
    role: KeyShownRole
    source: str
    made_by: str
    made: datetime.datetime
    key: str
    expires: datetime.datetime | None | Unset = UNSET
    rotated: datetime.datetime | None | Unset = UNSET
    last_used: datetime.datetime | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name = self.name

        role: str = self.role

        source = self.source

        made_by = self.made_by

        made = self.made.isoformat()

        key = self.key

        expires: None | str | Unset
        if isinstance(self.expires, Unset):
            expires = UNSET
        elif isinstance(self.expires, datetime.datetime):
            expires = self.expires.isoformat()
        else:
            expires = self.expires

        rotated: None | str | Unset
        if isinstance(self.rotated, Unset):
            rotated = UNSET
        elif isinstance(self.rotated, datetime.datetime):
            rotated = self.rotated.isoformat()
        else:
            rotated = self.rotated

        last_used: None | str | Unset
        if isinstance(self.last_used, Unset):
            last_used = UNSET
        elif isinstance(self.last_used, datetime.datetime):
            last_used = self.last_used.isoformat()
        else:
            last_used = self.last_used

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "role": role,
                "source": source,
                "made_by": made_by,
                "made": made,
                "key": key,
            }
        )
        if expires is not UNSET:
            field_dict["expires"] = expires
        if rotated is not UNSET:
            field_dict["rotated"] = rotated
        if last_used is not UNSET:
            field_dict["last_used"] = last_used

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        role = check_key_shown_role(d.pop("role"))

        source = d.pop("source")

        made_by = d.pop("made_by")

        made = datetime.datetime.fromisoformat(d.pop("made"))

        key = d.pop("key")

        def _parse_expires(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_type_0 = datetime.datetime.fromisoformat(data)

                return expires_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        expires = _parse_expires(d.pop("expires", UNSET))

        def _parse_rotated(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                rotated_type_0 = datetime.datetime.fromisoformat(data)

                return rotated_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        rotated = _parse_rotated(d.pop("rotated", UNSET))

        def _parse_last_used(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_used_type_0 = datetime.datetime.fromisoformat(data)

                return last_used_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        last_used = _parse_last_used(d.pop("last_used", UNSET))

        key_shown = cls(
            id=id,
            name=name,
            role=role,
            source=source,
            made_by=made_by,
            made=made,
            key=key,
            expires=expires,
            rotated=rotated,
            last_used=last_used,
        )

        key_shown.additional_properties = d
        return key_shown

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
