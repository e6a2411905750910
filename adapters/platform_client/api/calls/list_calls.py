from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.list_calls_channel_type_0 import check_list_calls_channel_type_0
from ...models.list_calls_channel_type_0 import ListCallsChannelType0
from ...models.list_calls_direction_type_0 import check_list_calls_direction_type_0
from ...models.list_calls_direction_type_0 import ListCallsDirectionType0
from ...models.list_calls_status_type_0 import check_list_calls_status_type_0
from ...models.list_calls_status_type_0 import ListCallsStatusType0
from ...models.page_call_listed import PageCallListed
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast
import datetime


def _get_kwargs(
    *,
    patient: str | Unset = "",
    status: ListCallsStatusType0 | None | Unset = UNSET,
    direction: ListCallsDirectionType0 | None | Unset = UNSET,
    channel: ListCallsChannelType0 | None | Unset = UNSET,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["patient"] = patient

    json_status: None | str | Unset
    if isinstance(status, Unset):
        json_status = UNSET
    elif isinstance(status, str):
        json_status = status
    else:
        json_status = status
    params["status"] = json_status

    json_direction: None | str | Unset
    if isinstance(direction, Unset):
        json_direction = UNSET
    elif isinstance(direction, str):
        json_direction = direction
    else:
        json_direction = direction
    params["direction"] = json_direction

    json_channel: None | str | Unset
    if isinstance(channel, Unset):
        json_channel = UNSET
    elif isinstance(channel, str):
        json_channel = channel
    else:
        json_channel = channel
    params["channel"] = json_channel

    json_from_: None | str | Unset
    if isinstance(from_, Unset):
        json_from_ = UNSET
    elif isinstance(from_, datetime.datetime):
        json_from_ = from_.isoformat()
    else:
        json_from_ = from_
    params["from"] = json_from_

    json_to: None | str | Unset
    if isinstance(to, Unset):
        json_to = UNSET
    elif isinstance(to, datetime.datetime):
        json_to = to.isoformat()
    else:
        json_to = to
    params["to"] = json_to

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/calls",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PageCallListed | Problem | None:
    if response.status_code == 200:
        response_200 = PageCallListed.from_dict(response.json())

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
) -> Response[PageCallListed | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    patient: str | Unset = "",
    status: ListCallsStatusType0 | None | Unset = UNSET,
    direction: ListCallsDirectionType0 | None | Unset = UNSET,
    channel: ListCallsChannelType0 | None | Unset = UNSET,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> Response[PageCallListed | Problem]:
    """List calls and conversations

     Those on record, the latest first. What is under way is among them as soon as it is on record.

    Args:
        patient (str | Unset):  Default: ''.
        status (ListCallsStatusType0 | None | Unset):
        direction (ListCallsDirectionType0 | None | Unset):
        channel (ListCallsChannelType0 | None | Unset):
        from_ (datetime.datetime | None | Unset): Begun then or later
        to (datetime.datetime | None | Unset): Begun before then
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PageCallListed | Problem]
    """

    kwargs = _get_kwargs(
        patient=patient,
        status=status,
        direction=direction,
        channel=channel,
        from_=from_,
        to=to,
        limit=limit,
        cursor=cursor,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    patient: str | Unset = "",
    status: ListCallsStatusType0 | None | Unset = UNSET,
    direction: ListCallsDirectionType0 | None | Unset = UNSET,
    channel: ListCallsChannelType0 | None | Unset = UNSET,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> PageCallListed | Problem | None:
    """List calls and conversations

     Those on record, the latest first. What is under way is among them as soon as it is on record.

    Args:
        patient (str | Unset):  Default: ''.
        status (ListCallsStatusType0 | None | Unset):
        direction (ListCallsDirectionType0 | None | Unset):
        channel (ListCallsChannelType0 | None | Unset):
        from_ (datetime.datetime | None | Unset): Begun then or later
        to (datetime.datetime | None | Unset): Begun before then
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PageCallListed | Problem
    """

    return sync_detailed(
        client=client,
        patient=patient,
        status=status,
        direction=direction,
        channel=channel,
        from_=from_,
        to=to,
        limit=limit,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    patient: str | Unset = "",
    status: ListCallsStatusType0 | None | Unset = UNSET,
    direction: ListCallsDirectionType0 | None | Unset = UNSET,
    channel: ListCallsChannelType0 | None | Unset = UNSET,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> Response[PageCallListed | Problem]:
    """List calls and conversations

     Those on record, the latest first. What is under way is among them as soon as it is on record.

    Args:
        patient (str | Unset):  Default: ''.
        status (ListCallsStatusType0 | None | Unset):
        direction (ListCallsDirectionType0 | None | Unset):
        channel (ListCallsChannelType0 | None | Unset):
        from_ (datetime.datetime | None | Unset): Begun then or later
        to (datetime.datetime | None | Unset): Begun before then
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PageCallListed | Problem]
    """

    kwargs = _get_kwargs(
        patient=patient,
        status=status,
        direction=direction,
        channel=channel,
        from_=from_,
        to=to,
        limit=limit,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    patient: str | Unset = "",
    status: ListCallsStatusType0 | None | Unset = UNSET,
    direction: ListCallsDirectionType0 | None | Unset = UNSET,
    channel: ListCallsChannelType0 | None | Unset = UNSET,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> PageCallListed | Problem | None:
    """List calls and conversations

     Those on record, the latest first. What is under way is among them as soon as it is on record.

    Args:
        patient (str | Unset):  Default: ''.
        status (ListCallsStatusType0 | None | Unset):
        direction (ListCallsDirectionType0 | None | Unset):
        channel (ListCallsChannelType0 | None | Unset):
        from_ (datetime.datetime | None | Unset): Begun then or later
        to (datetime.datetime | None | Unset): Begun before then
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PageCallListed | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            patient=patient,
            status=status,
            direction=direction,
            channel=channel,
            from_=from_,
            to=to,
            limit=limit,
            cursor=cursor,
        )
    ).parsed
