from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.correction_value import CorrectionValue


T = TypeVar("T", bound="Correction")


@_attrs_define
class Correction:
    """The right elements as FHIR JSON, `null` for what is absent: `{"birthDate": "1980-02-01"}`.

    Attributes:
        value (CorrectionValue):
    """

    value: CorrectionValue

    def to_dict(self) -> dict[str, Any]:
        from ..models.correction_value import CorrectionValue  # noqa: PLC0415

        value = self.value.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "value": value,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.correction_value import CorrectionValue  # noqa: PLC0415

        d = dict(src_dict)
        value = CorrectionValue.from_dict(d.pop("value"))

        correction = cls(
            value=value,
        )

        return correction
