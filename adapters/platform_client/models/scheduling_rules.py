from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.block_overlap import BlockOverlap
    from ..models.concurrent_start_block import ConcurrentStartBlock
    from ..models.duration import Duration
    from ..models.open_hours import OpenHours
    from ..models.patient_kind import PatientKind
    from ..models.patient_limit import PatientLimit
    from ..models.release import Release
    from ..models.rolling_days import RollingDays
    from ..models.session_grid import SessionGrid


T = TypeVar("T", bound="SchedulingRules")


@_attrs_define
class SchedulingRules:
    """The whole set. ``zone``: the time zone in which days and hours are meant; empty: the agent's.

    ``lead`` are minutes; ``search_days`` is how far ahead is looked where the caller names no day.

        Attributes:
            zone (str | Unset):  Default: ''.
            lead (int | Unset):  Default: 120.
            search_days (int | Unset):  Default: 60.
            rolling_days (list[RollingDays] | Unset):
            open_hours (OpenHours | Unset): A visit lies within the hours that are open. The narrowest that are about a slot
                hold for it; where none is,
                hours are no matter. On a day with an exception only that counts.
            concurrent_start_block (list[ConcurrentStartBlock] | Unset):
            block_overlap (list[BlockOverlap] | Unset):
            session_grid (list[SessionGrid] | Unset):
            release (list[Release] | Unset):
            patient_limit (list[PatientLimit] | Unset):
            durations (list[Duration] | Unset):
            patient_kinds (list[PatientKind] | Unset):
    """

    zone: str | Unset = ""
    lead: int | Unset = 120
    search_days: int | Unset = 60
    rolling_days: list[RollingDays] | Unset = UNSET
    open_hours: OpenHours | Unset = UNSET
    concurrent_start_block: list[ConcurrentStartBlock] | Unset = UNSET
    block_overlap: list[BlockOverlap] | Unset = UNSET
    session_grid: list[SessionGrid] | Unset = UNSET
    release: list[Release] | Unset = UNSET
    patient_limit: list[PatientLimit] | Unset = UNSET
    durations: list[Duration] | Unset = UNSET
    patient_kinds: list[PatientKind] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.block_overlap import BlockOverlap  # noqa: PLC0415
        from ..models.concurrent_start_block import ConcurrentStartBlock  # noqa: PLC0415
        from ..models.duration import Duration  # noqa: PLC0415
        from ..models.open_hours import OpenHours  # noqa: PLC0415
        from ..models.patient_kind import PatientKind  # noqa: PLC0415
        from ..models.patient_limit import PatientLimit  # noqa: PLC0415
        from ..models.release import Release  # noqa: PLC0415
        from ..models.rolling_days import RollingDays  # noqa: PLC0415
        from ..models.session_grid import SessionGrid  # noqa: PLC0415

        zone = self.zone

        lead = self.lead

        search_days = self.search_days

        rolling_days: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.rolling_days, Unset):
            rolling_days = []
            for rolling_days_item_data in self.rolling_days:
                rolling_days_item = rolling_days_item_data.to_dict()
                rolling_days.append(rolling_days_item)

        open_hours: dict[str, Any] | Unset = UNSET
        if not isinstance(self.open_hours, Unset):
            open_hours = self.open_hours.to_dict()

        concurrent_start_block: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.concurrent_start_block, Unset):
            concurrent_start_block = []
            for concurrent_start_block_item_data in self.concurrent_start_block:
                concurrent_start_block_item = concurrent_start_block_item_data.to_dict()
                concurrent_start_block.append(concurrent_start_block_item)

        block_overlap: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.block_overlap, Unset):
            block_overlap = []
            for block_overlap_item_data in self.block_overlap:
                block_overlap_item = block_overlap_item_data.to_dict()
                block_overlap.append(block_overlap_item)

        session_grid: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.session_grid, Unset):
            session_grid = []
            for session_grid_item_data in self.session_grid:
                session_grid_item = session_grid_item_data.to_dict()
                session_grid.append(session_grid_item)

        release: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.release, Unset):
            release = []
            for release_item_data in self.release:
                release_item = release_item_data.to_dict()
                release.append(release_item)

        patient_limit: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.patient_limit, Unset):
            patient_limit = []
            for patient_limit_item_data in self.patient_limit:
                patient_limit_item = patient_limit_item_data.to_dict()
                patient_limit.append(patient_limit_item)

        durations: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.durations, Unset):
            durations = []
            for durations_item_data in self.durations:
                durations_item = durations_item_data.to_dict()
                durations.append(durations_item)

        patient_kinds: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.patient_kinds, Unset):
            patient_kinds = []
            for patient_kinds_item_data in self.patient_kinds:
                patient_kinds_item = patient_kinds_item_data.to_dict()
                patient_kinds.append(patient_kinds_item)

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if zone is not UNSET:
            field_dict["zone"] = zone
        if lead is not UNSET:
            field_dict["lead"] = lead
        if search_days is not UNSET:
            field_dict["search_days"] = search_days
        if rolling_days is not UNSET:
            field_dict["rolling_days"] = rolling_days
        if open_hours is not UNSET:
            field_dict["open_hours"] = open_hours
        if concurrent_start_block is not UNSET:
            field_dict["concurrent_start_block"] = concurrent_start_block
        if block_overlap is not UNSET:
            field_dict["block_overlap"] = block_overlap
        if session_grid is not UNSET:
            field_dict["session_grid"] = session_grid
        if release is not UNSET:
            field_dict["release"] = release
        if patient_limit is not UNSET:
            field_dict["patient_limit"] = patient_limit
        if durations is not UNSET:
            field_dict["durations"] = durations
        if patient_kinds is not UNSET:
            field_dict["patient_kinds"] = patient_kinds

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.block_overlap import BlockOverlap  # noqa: PLC0415
        from ..models.concurrent_start_block import ConcurrentStartBlock  # noqa: PLC0415
        from ..models.duration import Duration  # noqa: PLC0415
        from ..models.open_hours import OpenHours  # noqa: PLC0415
        from ..models.patient_kind import PatientKind  # noqa: PLC0415
        from ..models.patient_limit import PatientLimit  # noqa: PLC0415
        from ..models.release import Release  # noqa: PLC0415
        from ..models.rolling_days import RollingDays  # noqa: PLC0415
        from ..models.session_grid import SessionGrid  # noqa: PLC0415

        d = dict(src_dict)
        zone = d.pop("zone", UNSET)

        lead = d.pop("lead", UNSET)

        search_days = d.pop("search_days", UNSET)

        _rolling_days = d.pop("rolling_days", UNSET)
        rolling_days: list[RollingDays] | Unset = UNSET
        if _rolling_days is not UNSET:
            rolling_days = []
            for rolling_days_item_data in _rolling_days:
                rolling_days_item = RollingDays.from_dict(rolling_days_item_data)

                rolling_days.append(rolling_days_item)

        _open_hours = d.pop("open_hours", UNSET)
        open_hours: OpenHours | Unset
        if isinstance(_open_hours, Unset):
            open_hours = UNSET
        else:
            open_hours = OpenHours.from_dict(_open_hours)

        _concurrent_start_block = d.pop("concurrent_start_block", UNSET)
        concurrent_start_block: list[ConcurrentStartBlock] | Unset = UNSET
        if _concurrent_start_block is not UNSET:
            concurrent_start_block = []
            for concurrent_start_block_item_data in _concurrent_start_block:
                concurrent_start_block_item = ConcurrentStartBlock.from_dict(concurrent_start_block_item_data)

                concurrent_start_block.append(concurrent_start_block_item)

        _block_overlap = d.pop("block_overlap", UNSET)
        block_overlap: list[BlockOverlap] | Unset = UNSET
        if _block_overlap is not UNSET:
            block_overlap = []
            for block_overlap_item_data in _block_overlap:
                block_overlap_item = BlockOverlap.from_dict(block_overlap_item_data)

                block_overlap.append(block_overlap_item)

        _session_grid = d.pop("session_grid", UNSET)
        session_grid: list[SessionGrid] | Unset = UNSET
        if _session_grid is not UNSET:
            session_grid = []
            for session_grid_item_data in _session_grid:
                session_grid_item = SessionGrid.from_dict(session_grid_item_data)

                session_grid.append(session_grid_item)

        _release = d.pop("release", UNSET)
        release: list[Release] | Unset = UNSET
        if _release is not UNSET:
            release = []
            for release_item_data in _release:
                release_item = Release.from_dict(release_item_data)

                release.append(release_item)

        _patient_limit = d.pop("patient_limit", UNSET)
        patient_limit: list[PatientLimit] | Unset = UNSET
        if _patient_limit is not UNSET:
            patient_limit = []
            for patient_limit_item_data in _patient_limit:
                patient_limit_item = PatientLimit.from_dict(patient_limit_item_data)

                patient_limit.append(patient_limit_item)

        _durations = d.pop("durations", UNSET)
        durations: list[Duration] | Unset = UNSET
        if _durations is not UNSET:
            durations = []
            for durations_item_data in _durations:
                durations_item = Duration.from_dict(durations_item_data)

                durations.append(durations_item)

        _patient_kinds = d.pop("patient_kinds", UNSET)
        patient_kinds: list[PatientKind] | Unset = UNSET
        if _patient_kinds is not UNSET:
            patient_kinds = []
            for patient_kinds_item_data in _patient_kinds:
                patient_kinds_item = PatientKind.from_dict(patient_kinds_item_data)

                patient_kinds.append(patient_kinds_item)

        scheduling_rules = cls(
            zone=zone,
            lead=lead,
            search_days=search_days,
            rolling_days=rolling_days,
            open_hours=open_hours,
            concurrent_start_block=concurrent_start_block,
            block_overlap=block_overlap,
            session_grid=session_grid,
            release=release,
            patient_limit=patient_limit,
            durations=durations,
            patient_kinds=patient_kinds,
        )

        return scheduling_rules
