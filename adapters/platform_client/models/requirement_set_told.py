from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.requirement_set_told_identify import check_requirement_set_told_identify
from ..models.requirement_set_told_identify import RequirementSetToldIdentify
from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.requirement import Requirement


T = TypeVar("T", bound="RequirementSetTold")


@_attrs_define
class RequirementSetTold:
    """A set that is in force. `shipped`: it came with the server, and nobody has changed it.

    Attributes:
        require (list[Requirement]):
        id (str):
        shipped (bool):
        title (str | Unset):  Default: ''.
        practice (str | Unset):  Default: ''.
        identify (RequirementSetToldIdentify | Unset):  Default: 'birth-date'.
        most_questions (int | Unset):  Default: 20.
        most_forms_per_month (int | Unset):  Default: 4.
    """

    require: list[Requirement]
    id: str
    shipped: bool
    title: str | Unset = ""
    practice: str | Unset = ""
    identify: RequirementSetToldIdentify | Unset = "birth-date"
    most_questions: int | Unset = 20
    most_forms_per_month: int | Unset = 4

    def to_dict(self) -> dict[str, Any]:
        from ..models.requirement import Requirement  # noqa: PLC0415

        require = []
        for require_item_data in self.require:
            require_item = require_item_data.to_dict()
            require.append(require_item)

        id = self.id

        shipped = self.shipped

        title = self.title

        practice = self.practice

        identify: str | Unset = UNSET
        if not isinstance(self.identify, Unset):
            identify = self.identify

        most_questions = self.most_questions

        most_forms_per_month = self.most_forms_per_month

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "require": require,
                "id": id,
                "shipped": shipped,
            }
        )
        if title is not UNSET:
            field_dict["title"] = title
        if practice is not UNSET:
            field_dict["practice"] = practice
        if identify is not UNSET:
            field_dict["identify"] = identify
        if most_questions is not UNSET:
            field_dict["most_questions"] = most_questions
        if most_forms_per_month is not UNSET:
            field_dict["most_forms_per_month"] = most_forms_per_month

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.requirement import Requirement  # noqa: PLC0415

        d = dict(src_dict)
        require = []
        _require = d.pop("require")
        for require_item_data in _require:
            require_item = Requirement.from_dict(require_item_data)

            require.append(require_item)

        id = d.pop("id")

        shipped = d.pop("shipped")

        title = d.pop("title", UNSET)

        practice = d.pop("practice", UNSET)

        _identify = d.pop("identify", UNSET)
        identify: RequirementSetToldIdentify | Unset
        if isinstance(_identify, Unset):
            identify = UNSET
        else:
            identify = check_requirement_set_told_identify(_identify)

        most_questions = d.pop("most_questions", UNSET)

        most_forms_per_month = d.pop("most_forms_per_month", UNSET)

        requirement_set_told = cls(
            require=require,
            id=id,
            shipped=shipped,
            title=title,
            practice=practice,
            identify=identify,
            most_questions=most_questions,
            most_forms_per_month=most_forms_per_month,
        )

        return requirement_set_told
