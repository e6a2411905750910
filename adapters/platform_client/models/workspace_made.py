from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.workspace_made_status import check_workspace_made_status
from ..models.workspace_made_status import WorkspaceMadeStatus
from ..types import UNSET, Unset
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.key_shown import KeyShown


T = TypeVar("T", bound="WorkspaceMade")


@_attrs_define
class WorkspaceMade:
    """A new workspace with its first key, of the role `owner`, which is told this once.

    Attributes:
        id (str):
        name (str):
        description (str):
        status (WorkspaceMadeStatus):
        host (bool):
        fhir (str):
        platform (str):
        export (str):
        key (KeyShown): A key with its secret, this once.
        suspended (datetime.datetime | None | Unset):
        made (datetime.datetime | None | Unset):
        made_by (str | Unset):  Default: ''.
    """

    id: str
    name: str
    description: str
    status: WorkspaceMadeStatus
    host: bool
    fhir: str
    platform: str
    export: str
    key: KeyShown
    suspended: datetime.datetime | None | Unset = UNSET
    made: datetime.datetime | None | Unset = UNSET
    made_by: str | Unset = ""
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.key_shown import KeyShown  # noqa: PLC0415

        id = self.id

        name = self.name

        description = self.description

        status: str = self.status

        host = self.host

        fhir = self.fhir

        platform = self.platform

        export = self.export

        key = self.key.to_dict()

        suspended: None | str | Unset
        if isinstance(self.suspended, Unset):
            suspended = UNSET
        elif isinstance(self.suspended, datetime.datetime):
            suspended = self.suspended.isoformat()
        else:
            suspended = self.suspended

        made: None | str | Unset
        if isinstance(self.made, Unset):
            made = UNSET
        elif isinstance(self.made, datetime.datetime):
            made = self.made.isoformat()
        else:
            made = self.made

        made_by = self.made_by

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "description": description,
                "status": status,
                "host": host,
                "fhir": fhir,
                "platform": platform,
                "export": export,
                "key": key,
            }
        )
        if suspended is not UNSET:
            field_dict["suspended"] = suspended
        if made is not UNSET:
            field_dict["made"] = made
        if made_by is not UNSET:
            field_dict["made_by"] = made_by

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.key_shown import KeyShown  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        description = d.pop("description")

        status = check_workspace_made_status(d.pop("status"))

        host = d.pop("host")

        fhir = d.pop("fhir")

        platform = d.pop("platform")

        export = d.pop("export")

        key = KeyShown.from_dict(d.pop("key"))

        def _parse_suspended(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                suspended_type_0 = datetime.datetime.fromisoformat(data)

                return suspended_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        suspended = _parse_suspended(d.pop("suspended", UNSET))

        def _parse_made(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                made_type_0 = datetime.datetime.fromisoformat(data)

                return made_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        made = _parse_made(d.pop("made", UNSET))

        made_by = d.pop("made_by", UNSET)

        workspace_made = cls(
            id=id,
            name=name,
            description=description,
            status=status,
            host=host,
            fhir=fhir,
            platform=platform,
            export=export,
            key=key,
            suspended=suspended,
            made=made,
            made_by=made_by,
        )

        workspace_made.additional_properties = d
        return workspace_made

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
