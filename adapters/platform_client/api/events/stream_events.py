from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast
import datetime


def _get_kwargs(
    *,
    after: str | Unset = "",
    since: datetime.datetime | None | Unset = UNSET,
    types: list[str] | Unset = UNSET,
    resources: list[str] | Unset = UNSET,
    last_event_id: str | Unset = "",
    accept: str | Unset = "text/event-stream",
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(last_event_id, Unset):
        headers["last-event-id"] = last_event_id

    if not isinstance(accept, Unset):
        headers["accept"] = accept

    params: dict[str, Any] = {}

    params["after"] = after

    json_since: None | str | Unset
    if isinstance(since, Unset):
        json_since = UNSET
    elif isinstance(since, datetime.datetime):
        json_since = since.isoformat()
    else:
        json_since = since
    params["since"] = json_since

    json_types: list[str] | Unset = UNSET
    if not isinstance(types, Unset):
        json_types = types

    params["types"] = json_types

    json_resources: list[str] | Unset = UNSET
    if not isinstance(resources, Unset):
        json_resources = resources

    params["resources"] = json_resources

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/events",
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | str | None:
    if response.status_code == 200:
        response_200 = response.text
        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    after: str | Unset = "",
    since: datetime.datetime | None | Unset = UNSET,
    types: list[str] | Unset = UNSET,
    resources: list[str] | Unset = UNSET,
    last_event_id: str | Unset = "",
    accept: str | Unset = "text/event-stream",
) -> Response[Problem | str]:
    """Stream Events

     What happens from now on, or from an event or a moment on, however long ago: server-sent events, or
    NDJSON.

    Args:
        after (str | Unset): An event's id Default: ''.
        since (datetime.datetime | None | Unset): Begin with the first event at or after this
            moment
        types (list[str] | Unset): Types of events, or families such as `appointment.*`; several
            times, or with commas. None: all
        resources (list[str] | Unset): Types of resources. None: all
        last_event_id (str | Unset): The id of the last event that came: what is behind it is told
            Default: ''.
        accept (str | Unset):  Default: 'text/event-stream'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | str]
    """

    kwargs = _get_kwargs(
        after=after,
        since=since,
        types=types,
        resources=resources,
        last_event_id=last_event_id,
        accept=accept,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    after: str | Unset = "",
    since: datetime.datetime | None | Unset = UNSET,
    types: list[str] | Unset = UNSET,
    resources: list[str] | Unset = UNSET,
    last_event_id: str | Unset = "",
    accept: str | Unset = "text/event-stream",
) -> Problem | str | None:
    """Stream Events

     What happens from now on, or from an event or a moment on, however long ago: server-sent events, or
    NDJSON.

    Args:
        after (str | Unset): An event's id Default: ''.
        since (datetime.datetime | None | Unset): Begin with the first event at or after this
            moment
        types (list[str] | Unset): Types of events, or families such as `appointment.*`; several
            times, or with commas. None: all
        resources (list[str] | Unset): Types of resources. None: all
        last_event_id (str | Unset): The id of the last event that came: what is behind it is told
            Default: ''.
        accept (str | Unset):  Default: 'text/event-stream'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | str
    """

    return sync_detailed(
        client=client,
        after=after,
        since=since,
        types=types,
        resources=resources,
        last_event_id=last_event_id,
        accept=accept,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    after: str | Unset = "",
    since: datetime.datetime | None | Unset = UNSET,
    types: list[str] | Unset = UNSET,
    resources: list[str] | Unset = UNSET,
    last_event_id: str | Unset = "",
    accept: str | Unset = "text/event-stream",
) -> Response[Problem | str]:
    """Stream Events

     What happens from now on, or from an event or a moment on, however long ago: server-sent events, or
    NDJSON.

    Args:
        after (str | Unset): An event's id Default: ''.
        since (datetime.datetime | None | Unset): Begin with the first event at or after this
            moment
        types (list[str] | Unset): Types of events, or families such as `appointment.*`; several
            times, or with commas. None: all
        resources (list[str] | Unset): Types of resources. None: all
        last_event_id (str | Unset): The id of the last event that came: what is behind it is told
            Default: ''.
        accept (str | Unset):  Default: 'text/event-stream'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | str]
    """

    kwargs = _get_kwargs(
        after=after,
        since=since,
        types=types,
        resources=resources,
        last_event_id=last_event_id,
        accept=accept,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    after: str | Unset = "",
    since: datetime.datetime | None | Unset = UNSET,
    types: list[str] | Unset = UNSET,
    resources: list[str] | Unset = UNSET,
    last_event_id: str | Unset = "",
    accept: str | Unset = "text/event-stream",
) -> Problem | str | None:
    """Stream Events

     What happens from now on, or from an event or a moment on, however long ago: server-sent events, or
    NDJSON.

    Args:
        after (str | Unset): An event's id Default: ''.
        since (datetime.datetime | None | Unset): Begin with the first event at or after this
            moment
        types (list[str] | Unset): Types of events, or families such as `appointment.*`; several
            times, or with commas. None: all
        resources (list[str] | Unset): Types of resources. None: all
        last_event_id (str | Unset): The id of the last event that came: what is behind it is told
            Default: ''.
        accept (str | Unset):  Default: 'text/event-stream'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | str
    """

    return (
        await asyncio_detailed(
            client=client,
            after=after,
            since=since,
            types=types,
            resources=resources,
            last_event_id=last_event_id,
            accept=accept,
        )
    ).parsed
