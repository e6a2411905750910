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
    from ..models.connector_counts import ConnectorCounts
    from ..models.link import Link


T = TypeVar("T", bound="Connector")


@_attrs_define
class Connector:
    """One connector. `lag` is the age in seconds of the oldest change that waits for the EHR, `queue` how many wait;
    `rate` the requests a second that it may get (0: any), `requests` those of late.

        Attributes:
            id (str):
            endpoint (Link | None):
            kind (str):
            source (str):
            state (str):
            freshness (str):
            breaker (str):
            syncing (bool):
            queue (int):
            lag (float):
            dead_letters (int):
            rate (float):
            requests (float):
            counts (ConnectorCounts):
            problem (str | Unset):  Default: ''.
            error (str | Unset):  Default: ''.
            since (datetime.datetime | None | Unset):
            last_exchange (datetime.datetime | None | Unset):
            last_pull (datetime.datetime | None | Unset):
            last_push (datetime.datetime | None | Unset):
    """

    id: str
    endpoint: Link | None
    kind: str
    source: str
    state: str
    freshness: str
    breaker: str
    syncing: bool
    queue: int
    lag: float
    dead_letters: int
    rate: float
    requests: float
    counts: ConnectorCounts
    problem: str | Unset = ""
    error: str | Unset = ""
    since: datetime.datetime | None | Unset = UNSET
    last_exchange: datetime.datetime | None | Unset = UNSET
    last_pull: datetime.datetime | None | Unset = UNSET
    last_push: datetime.datetime | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.connector_counts import ConnectorCounts  # noqa: PLC0415
        from ..models.link import Link  # noqa: PLC0415

        id = self.id

        endpoint: dict[str, Any] | None
        if isinstance(self.endpoint, Link):
            endpoint = self.endpoint.to_dict()
        else:
            endpoint = self.endpoint

        kind = self.kind

        source = self.source

        state = self.state

        freshness = self.freshness

        breaker = self.breaker

        syncing = self.syncing

        queue = self.queue

        lag = self.lag

        dead_letters = self.dead_letters

        rate = self.rate

        requests = self.requests

        counts = self.counts.to_dict()

        problem = self.problem

        error = self.error

        since: None | str | Unset
        if isinstance(self.since, Unset):
            since = UNSET
        elif isinstance(self.since, datetime.datetime):
            since = self.since.isoformat()
        else:
            since = self.since

        last_exchange: None | str | Unset
        if isinstance(self.last_exchange, Unset):
            last_exchange = UNSET
        elif isinstance(self.last_exchange, datetime.datetime):
            last_exchange = self.last_exchange.isoformat()
        else:
            last_exchange = self.last_exchange

        last_pull: None | str | Unset
        if isinstance(self.last_pull, Unset):
            last_pull = UNSET
        elif isinstance(self.last_pull, datetime.datetime):
            last_pull = self.last_pull.isoformat()
        else:
            last_pull = self.last_pull

        last_push: None | str | Unset
        if isinstance(self.last_push, Unset):
            last_push = UNSET
        elif isinstance(self.last_push, datetime.datetime):
            last_push = self.last_push.isoformat()
        else:
            last_push = self.last_push

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "endpoint": endpoint,
                "kind": kind,
                "source": source,
                "state": state,
                "freshness": freshness,
                "breaker": breaker,
                "syncing": syncing,
                "queue": queue,
                "lag": lag,
                "dead_letters": dead_letters,
                "rate": rate,
                "requests": requests,
                "counts": counts,
            }
        )
        if problem is not UNSET:
            field_dict["problem"] = problem
        if error is not UNSET:
            field_dict["error"] = error
        if since is not UNSET:
            field_dict["since"] = since
        if last_exchange is not UNSET:
            field_dict["last_exchange"] = last_exchange
        if last_pull is not UNSET:
            field_dict["last_pull"] = last_pull
        if last_push is not UNSET:
            field_dict["last_push"] = last_push

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.connector_counts import ConnectorCounts  # noqa: PLC0415
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        def _parse_endpoint(data: object) -> Link | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                endpoint_type_0 = Link.from_dict(data)

                return endpoint_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None, data)

        endpoint = _parse_endpoint(d.pop("endpoint"))

        kind = d.pop("kind")

        source = d.pop("source")

        state = d.pop("state")

        freshness = d.pop("freshness")

        breaker = d.pop("breaker")

        syncing = d.pop("syncing")

        queue = d.pop("queue")

        lag = d.pop("lag")

        dead_letters = d.pop("dead_letters")

        rate = d.pop("rate")

        requests = d.pop("requests")

        counts = ConnectorCounts.from_dict(d.pop("counts"))

        problem = d.pop("problem", UNSET)

        error = d.pop("error", UNSET)

        def _parse_since(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                since_type_0 = datetime.datetime.fromisoformat(data)

                return since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        since = _parse_since(d.pop("since", UNSET))

        def _parse_last_exchange(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_exchange_type_0 = datetime.datetime.fromisoformat(data)

                return last_exchange_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        last_exchange = _parse_last_exchange(d.pop("last_exchange", UNSET))

        def _parse_last_pull(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_pull_type_0 = datetime.datetime.fromisoformat(data)

                return last_pull_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        last_pull = _parse_last_pull(d.pop("last_pull", UNSET))

        def _parse_last_push(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_push_type_0 = datetime.datetime.fromisoformat(data)

                return last_push_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        last_push = _parse_last_push(d.pop("last_push", UNSET))

        connector = cls(
            id=id,
            endpoint=endpoint,
            kind=kind,
            source=source,
            state=state,
            freshness=freshness,
            breaker=breaker,
            syncing=syncing,
            queue=queue,
            lag=lag,
            dead_letters=dead_letters,
            rate=rate,
            requests=requests,
            counts=counts,
            problem=problem,
            error=error,
            since=since,
            last_exchange=last_exchange,
            last_pull=last_pull,
            last_push=last_push,
        )

        connector.additional_properties = d
        return connector

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
