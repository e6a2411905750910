from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.scheduling_rules import SchedulingRules


T = TypeVar("T", bound="Question")


@_attrs_define
class Question:
    """Which slots are meant: free ones that begin from `first` until before `last`, of them only `slots` where any are
    named. `patient` and `moves` (the appointment to be moved) matter to rules about patients. `document` is tried in
    place of what is stored, `now` in place of this moment. `zone`: of the practice, where the rules name none.

        Attributes:
            first (datetime.datetime | None | Unset):
            last (datetime.datetime | None | Unset):
            now (datetime.datetime | None | Unset):
            zone (str | Unset):  Default: 'America/New_York'.
            practitioner (None | str | Unset):
            patient (None | str | Unset):
            moves (None | str | Unset):
            slots (list[str] | Unset):
            limit (int | Unset):  Default: 200.
            document (None | SchedulingRules | Unset):
    """

    first: datetime.datetime | None | Unset = UNSET
    last: datetime.datetime | None | Unset = UNSET
    now: datetime.datetime | None | Unset = UNSET
    zone: str | Unset = "America/New_York"
    practitioner: None | str | Unset = UNSET
    patient: None | str | Unset = UNSET
    moves: None | str | Unset = UNSET
    slots: list[str] | Unset = UNSET
    limit: int | Unset = 200
    document: None | SchedulingRules | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.scheduling_rules import SchedulingRules  # noqa: PLC0415

        first: None | str | Unset
        if isinstance(self.first, Unset):
            first = UNSET
        elif isinstance(self.first, datetime.datetime):
            first = self.first.isoformat()
        else:
            first = self.first

        last: None | str | Unset
        if isinstance(self.last, Unset):
            last = UNSET
        elif isinstance(self.last, datetime.datetime):
            last = self.last.isoformat()
        else:
            last = self.last

        now: None | str | Unset
        if isinstance(self.now, Unset):
            now = UNSET
        elif isinstance(self.now, datetime.datetime):
            now = self.now.isoformat()
        else:
            now = self.now

        zone = self.zone

        practitioner: None | str | Unset
        if isinstance(self.practitioner, Unset):
            practitioner = UNSET
        else:
            practitioner = self.practitioner

        patient: None | str | Unset
        if isinstance(self.patient, Unset):
            patient = UNSET
        else:
            patient = self.patient

        moves: None | str | Unset
        if isinstance(self.moves, Unset):
            moves = UNSET
        else:
            moves = self.moves

        slots: list[str] | Unset = UNSET
        if not isinstance(self.slots, Unset):
            slots = self.slots

        limit = self.limit

        document: dict[str, Any] | None | Unset
        if isinstance(self.document, Unset):
            document = UNSET
        elif isinstance(self.document, SchedulingRules):
            document = self.document.to_dict()
        else:
            document = self.document

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if first is not UNSET:
            field_dict["first"] = first
        if last is not UNSET:
            field_dict["last"] = last
        if now is not UNSET:
            field_dict["now"] = now
        if zone is not UNSET:
            field_dict["zone"] = zone
        if practitioner is not UNSET:
            field_dict["practitioner"] = practitioner
        if patient is not UNSET:
            field_dict["patient"] = patient
        if moves is not UNSET:
            field_dict["moves"] = moves
        if slots is not UNSET:
            field_dict["slots"] = slots
        if limit is not UNSET:
            field_dict["limit"] = limit
        if document is not UNSET:
            field_dict["document"] = document

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.scheduling_rules import SchedulingRules  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_first(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                first_type_0 = datetime.datetime.fromisoformat(data)

                return first_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        first = _parse_first(d.pop("first", UNSET))

        def _parse_last(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_type_0 = datetime.datetime.fromisoformat(data)

                return last_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        last = _parse_last(d.pop("last", UNSET))

        def _parse_now(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                now_type_0 = datetime.datetime.fromisoformat(data)

                return now_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        now = _parse_now(d.pop("now", UNSET))

        zone = d.pop("zone", UNSET)

        def _parse_practitioner(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        practitioner = _parse_practitioner(d.pop("practitioner", UNSET))

        def _parse_patient(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        patient = _parse_patient(d.pop("patient", UNSET))

        def _parse_moves(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        moves = _parse_moves(d.pop("moves", UNSET))

        slots = cast(list[str], d.pop("slots", UNSET))

        limit = d.pop("limit", UNSET)

        def _parse_document(data: object) -> None | SchedulingRules | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                document_type_0 = SchedulingRules.from_dict(data)

                return document_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SchedulingRules | Unset, data)

        document = _parse_document(d.pop("document", UNSET))

        question = cls(
            first=first,
            last=last,
            now=now,
            zone=zone,
            practitioner=practitioner,
            patient=patient,
            moves=moves,
            slots=slots,
            limit=limit,
            document=document,
        )

        return question
