from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.new_key_role import check_new_key_role
from ..models.new_key_role import NewKeyRole
from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="NewKey")


@_attrs_define
class NewKey:
    """`source` is the source of the world model as which the key speaks: the maker's own where nothing is said, and
    only an owner may say another. `expires_in_days`: without it the key has no end.

        Attributes:
            name (str):
            role (NewKeyRole):
            source (str | Unset):  Default: ''.
            expires_in_days (int | None | Unset):
    """

    name: str
    role: NewKeyRole
    source: str | Unset = ""
    expires_in_days: int | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        role: str = self.role

        source = self.source

        expires_in_days: int | None | Unset
        if isinstance(self.expires_in_days, Unset):
            expires_in_days = UNSET
        else:
            expires_in_days = self.expires_in_days

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "role": role,
            }
        )
        if source is not UNSET:
            field_dict["source"] = source
        if expires_in_days is not UNSET:
            field_dict["expires_in_days"] = expires_in_days

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        role = check_new_key_role(d.pop("role"))

        source = d.pop("source", UNSET)

        def _parse_expires_in_days(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        expires_in_days = _parse_expires_in_days(d.pop("expires_in_days", UNSET))

        new_key = cls(
            name=name,
            role=role,
            source=source,
            expires_in_days=expires_in_days,
        )

        return new_key
