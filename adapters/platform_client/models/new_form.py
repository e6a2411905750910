from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.new_form_subjects_item import check_new_form_subjects_item
from ..models.new_form_subjects_item import NewFormSubjectsItem
from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="NewForm")


@_attrs_define
class NewForm:
    """A form for what is missing. `subjects` narrow what is asked for; `about` is what it is for, such as an
    Appointment. With `send`, the link goes out as a text message at once.

        Attributes:
            patient (str):
            requirements (str | Unset):  Default: 'missing-data'.
            purpose (str | Unset):  Default: 'operator'.
            about (None | str | Unset):
            subjects (list[NewFormSubjectsItem] | Unset):
            send (bool | Unset):  Default: False.
    """

    patient: str
    requirements: str | Unset = "missing-data"
    purpose: str | Unset = "operator"
    about: None | str | Unset = UNSET
    subjects: list[NewFormSubjectsItem] | Unset = UNSET
    send: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        patient = self.patient

        requirements = self.requirements

        purpose = self.purpose

        about: None | str | Unset
        if isinstance(self.about, Unset):
            about = UNSET
        else:
            about = self.about

        subjects: list[str] | Unset = UNSET
        if not isinstance(self.subjects, Unset):
            subjects = []
            for subjects_item_data in self.subjects:
                subjects_item: str = subjects_item_data
                subjects.append(subjects_item)

        send = self.send

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "patient": patient,
            }
        )
        if requirements is not UNSET:
            field_dict["requirements"] = requirements
        if purpose is not UNSET:
            field_dict["purpose"] = purpose
        if about is not UNSET:
            field_dict["about"] = about
        if subjects is not UNSET:
            field_dict["subjects"] = subjects
        if send is not UNSET:
            field_dict["send"] = send

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        patient = d.pop("patient")

        requirements = d.pop("requirements", UNSET)

        purpose = d.pop("purpose", UNSET)

        def _parse_about(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        about = _parse_about(d.pop("about", UNSET))

        _subjects = d.pop("subjects", UNSET)
        subjects: list[NewFormSubjectsItem] | Unset = UNSET
        if _subjects is not UNSET:
            subjects = []
            for subjects_item_data in _subjects:
                subjects_item = check_new_form_subjects_item(subjects_item_data)

                subjects.append(subjects_item)

        send = d.pop("send", UNSET)

        new_form = cls(
            patient=patient,
            requirements=requirements,
            purpose=purpose,
            about=about,
            subjects=subjects,
            send=send,
        )

        return new_form
