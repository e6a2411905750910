from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.form_status import check_form_status
from ..models.form_status import FormStatus
from ..types import UNSET, Unset
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.link import Link


T = TypeVar("T", bound="Form")


@_attrs_define
class Form:
    """A form, and how far it is. `response` has the answers once they were sent in.

    Attributes:
        id (str):
        status (FormStatus):
        patient (Link | None):
        purpose (str):
        requirements (str):
        subjects (list[str]):
        made (datetime.datetime):
        until (datetime.datetime):
        task (Link | None):
        questionnaire (Link | None):
        response (Link | None | Unset):
        repeated (bool | Unset):  Default: False.
    """

    id: str
    status: FormStatus
    patient: Link | None
    purpose: str
    requirements: str
    subjects: list[str]
    made: datetime.datetime
    until: datetime.datetime
    task: Link | None
    questionnaire: Link | None
    response: Link | None | Unset = UNSET
    repeated: bool | Unset = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        id = self.id

        status: str = self.status

        patient: dict[str, Any] | None
        if isinstance(self.patient, Link):
            patient = self.patient.to_dict()
        else:
            patient = self.patient

        purpose = self.purpose

        requirements = self.requirements

        subjects = self.subjects

        made = self.made.isoformat()

        until = self.until.isoformat()

        task: dict[str, Any] | None
        if isinstance(self.task, Link):
            task = self.task.to_dict()
        else:
            task = self.task

        questionnaire: dict[str, Any] | None
        if isinstance(self.questionnaire, Link):
            questionnaire = self.questionnaire.to_dict()
        else:
            questionnaire = self.questionnaire

        response: dict[str, Any] | None | Unset
        if isinstance(self.response, Unset):
            response = UNSET
        elif isinstance(self.response, Link):
            response = self.response.to_dict()
        else:
            response = self.response

        repeated = self.repeated

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "status": status,
                "patient": patient,
                "purpose": purpose,
                "requirements": requirements,
                "subjects": subjects,
                "made": made,
                "until": until,
                "task": task,
                "questionnaire": questionnaire,
            }
        )
        if response is not UNSET:
            field_dict["response"] = response
        if repeated is not UNSET:
            field_dict["repeated"] = repeated

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        status = check_form_status(d.pop("status"))

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

        purpose = d.pop("purpose")

        requirements = d.pop("requirements")

        subjects = cast(list[str], d.pop("subjects"))

        made = datetime.datetime.fromisoformat(d.pop("made"))

        until = datetime.datetime.fromisoformat(d.pop("until"))

        def _parse_task(data: object) -> Link | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                task_type_0 = Link.from_dict(data)

                return task_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None, data)

        task = _parse_task(d.pop("task"))

        def _parse_questionnaire(data: object) -> Link | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                questionnaire_type_0 = Link.from_dict(data)

                return questionnaire_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None, data)

        questionnaire = _parse_questionnaire(d.pop("questionnaire"))

        def _parse_response(data: object) -> Link | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_type_0 = Link.from_dict(data)

                return response_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None | Unset, data)

        response = _parse_response(d.pop("response", UNSET))

        repeated = d.pop("repeated", UNSET)

        form = cls(
            id=id,
            status=status,
            patient=patient,
            purpose=purpose,
            requirements=requirements,
            subjects=subjects,
            made=made,
            until=until,
            task=task,
            questionnaire=questionnaire,
            response=response,
            repeated=repeated,
        )

        form.additional_properties = d
        return form

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
