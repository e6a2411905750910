from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.left_out import LeftOut
    from ..models.link import Link
    from ..models.missing import Missing


T = TypeVar("T", bound="Scanned")


@_attrs_define
class Scanned:
    """What a patient would be asked now.

    Attributes:
        patient (Link | None):
        requirements (str):
        ask (list[Missing]):
        left_out (list[LeftOut]):
    """

    patient: Link | None
    requirements: str
    ask: list[Missing]
    left_out: list[LeftOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.left_out import LeftOut  # noqa: PLC0415
        from ..models.link import Link  # noqa: PLC0415
        from ..models.missing import Missing  # noqa: PLC0415

        patient: dict[str, Any] | None
        if isinstance(self.patient, Link):
            patient = self.patient.to_dict()
        else:
            patient = self.patient

        requirements = self.requirements

        ask = []
        for ask_item_data in self.ask:
            ask_item = ask_item_data.to_dict()
            ask.append(ask_item)

        left_out = []
        for left_out_item_data in self.left_out:
            left_out_item = left_out_item_data.to_dict()
            left_out.append(left_out_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "patient": patient,
                "requirements": requirements,
                "ask": ask,
                "left_out": left_out,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.left_out import LeftOut  # noqa: PLC0415
        from ..models.link import Link  # noqa: PLC0415
        from ..models.missing import Missing  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_patient(data: object) -> Link | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                patient_type_0 = Link.from_dict(data)

                return patient_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None, data)

        patient = _parse_patient(d.pop("patient"))

        requirements = d.pop("requirements")

        ask = []
        _ask = d.pop("ask")
        for ask_item_data in _ask:
            ask_item = Missing.from_dict(ask_item_data)

            ask.append(ask_item)

        left_out = []
        _left_out = d.pop("left_out")
        for left_out_item_data in _left_out:
            left_out_item = LeftOut.from_dict(left_out_item_data)

            left_out.append(left_out_item)

        scanned = cls(
            patient=patient,
            requirements=requirements,
            ask=ask,
            left_out=left_out,
        )

        scanned.additional_properties = d
        return scanned

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
