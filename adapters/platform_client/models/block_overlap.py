from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.block_overlap_by_item import BlockOverlapByItem
from ..models.block_overlap_by_item import check_block_overlap_by_item
from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="BlockOverlap")


@_attrs_define
class BlockOverlap:
    """Nothing that overlaps what is taken already, with ``buffer_minutes`` between: by the patient, whose other visits
    count wherever they are, or by the practitioner.

        Attributes:
            practitioners (list[str] | Unset):
            locations (list[str] | Unset):
            services (list[str] | Unset):
            by (list[BlockOverlapByItem] | Unset):
            buffer_minutes (int | Unset):  Default: 0.
    """

    practitioners: list[str] | Unset = UNSET
    locations: list[str] | Unset = UNSET
    services: list[str] | Unset = UNSET
    by: list[BlockOverlapByItem] | Unset = UNSET
    buffer_minutes: int | Unset = 0

    def to_dict(self) -> dict[str, Any]:
        practitioners: list[str] | Unset = UNSET
        if not isinstance(self.practitioners, Unset):
            practitioners = self.practitioners

        locations: list[str] | Unset = UNSET
        if not isinstance(self.locations, Unset):
            locations = self.locations

        services: list[str] | Unset = UNSET
        if not isinstance(self.services, Unset):
            services = self.services

        by: list[str] | Unset = UNSET
        if not isinstance(self.by, Unset):
            by = []
            for by_item_data in self.by:
                by_item: str = by_item_data
                by.append(by_item)

        buffer_minutes = self.buffer_minutes

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if practitioners is not UNSET:
            field_dict["practitioners"] = practitioners
        if locations is not UNSET:
            field_dict["locations"] = locations
        if services is not UNSET:
            field_dict["services"] = services
        if by is not UNSET:
            field_dict["by"] = by
        if buffer_minutes is not UNSET:
            field_dict["buffer_minutes"] = buffer_minutes

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        practitioners = cast(list[str], d.pop("practitioners", UNSET))

        locations = cast(list[str], d.pop("locations", UNSET))

        services = cast(list[str], d.pop("services", UNSET))

        _by = d.pop("by", UNSET)
        by: list[BlockOverlapByItem] | Unset = UNSET
        if _by is not UNSET:
            by = []
            for by_item_data in _by:
                by_item = check_block_overlap_by_item(by_item_data)

                by.append(by_item)

        buffer_minutes = d.pop("buffer_minutes", UNSET)

        block_overlap = cls(
            practitioners=practitioners,
            locations=locations,
            services=services,
            by=by,
            buffer_minutes=buffer_minutes,
        )

        return block_overlap
