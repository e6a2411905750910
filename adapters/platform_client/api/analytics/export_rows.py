from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.export_rows_format import check_export_rows_format
from ...models.export_rows_format import ExportRowsFormat
from ...models.export_rows_table import check_export_rows_table
from ...models.export_rows_table import ExportRowsTable
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast
import datetime


def _get_kwargs(
    *,
    table: ExportRowsTable | Unset = "conversations",
    format_: ExportRowsFormat | Unset = "csv",
    from_: datetime.date | None | Unset = UNSET,
    to: datetime.date | None | Unset = UNSET,
    channel: str | Unset = "",
    direction: str | Unset = "",
    agent: str | Unset = "",
    campaign: str | Unset = "",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_table: str | Unset = UNSET
    if not isinstance(table, Unset):
        json_table = table

    params["table"] = json_table

    json_format_: str | Unset = UNSET
    if not isinstance(format_, Unset):
        json_format_ = format_

    params["format"] = json_format_

    json_from_: None | str | Unset
    if isinstance(from_, Unset):
        json_from_ = UNSET
    elif isinstance(from_, datetime.date):
        json_from_ = from_.isoformat()
    else:
        json_from_ = from_
    params["from"] = json_from_

    json_to: None | str | Unset
    if isinstance(to, Unset):
        json_to = UNSET
    elif isinstance(to, datetime.date):
        json_to = to.isoformat()
    else:
        json_to = to
    params["to"] = json_to

    params["channel"] = channel

    params["direction"] = direction

    params["agent"] = agent

    params["campaign"] = campaign

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/analytics/export",
        "params": params,
    }

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

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

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
    table: ExportRowsTable | Unset = "conversations",
    format_: ExportRowsFormat | Unset = "csv",
    from_: datetime.date | None | Unset = UNSET,
    to: datetime.date | None | Unset = UNSET,
    channel: str | Unset = "",
    direction: str | Unset = "",
    agent: str | Unset = "",
    campaign: str | Unset = "",
) -> Response[Problem | str]:
    """The rows behind the figures

     One row for each conversation, writeback, or patient of a campaign, with the FHIR resource that
    tells of it.

    Args:
        table (ExportRowsTable | Unset):  Default: 'conversations'.
        format_ (ExportRowsFormat | Unset):  Default: 'csv'.
        from_ (datetime.date | None | Unset): The first day, in UTC; 30 days ago without
        to (datetime.date | None | Unset): The last day, in UTC; today without
        channel (str | Unset):  Default: ''.
        direction (str | Unset):  Default: ''.
        agent (str | Unset):  Default: ''.
        campaign (str | Unset):  Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | str]
    """

    kwargs = _get_kwargs(
        table=table,
        format_=format_,
        from_=from_,
        to=to,
        channel=channel,
        direction=direction,
        agent=agent,
        campaign=campaign,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    table: ExportRowsTable | Unset = "conversations",
    format_: ExportRowsFormat | Unset = "csv",
    from_: datetime.date | None | Unset = UNSET,
    to: datetime.date | None | Unset = UNSET,
    channel: str | Unset = "",
    direction: str | Unset = "",
    agent: str | Unset = "",
    campaign: str | Unset = "",
) -> Problem | str | None:
    """The rows behind the figures

     One row for each conversation, writeback, or patient of a campaign, with the FHIR resource that
    tells of it.

    Args:
        table (ExportRowsTable | Unset):  Default: 'conversations'.
        format_ (ExportRowsFormat | Unset):  Default: 'csv'.
        from_ (datetime.date | None | Unset): The first day, in UTC; 30 days ago without
        to (datetime.date | None | Unset): The last day, in UTC; today without
        channel (str | Unset):  Default: ''.
        direction (str | Unset):  Default: ''.
        agent (str | Unset):  Default: ''.
        campaign (str | Unset):  Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | str
    """

    return sync_detailed(
        client=client,
        table=table,
        format_=format_,
        from_=from_,
        to=to,
        channel=channel,
        direction=direction,
        agent=agent,
        campaign=campaign,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    table: ExportRowsTable | Unset = "conversations",
    format_: ExportRowsFormat | Unset = "csv",
    from_: datetime.date | None | Unset = UNSET,
    to: datetime.date | None | Unset = UNSET,
    channel: str | Unset = "",
    direction: str | Unset = "",
    agent: str | Unset = "",
    campaign: str | Unset = "",
) -> Response[Problem | str]:
    """The rows behind the figures

     One row for each conversation, writeback, or patient of a campaign, with the FHIR resource that
    tells of it.

    Args:
        table (ExportRowsTable | Unset):  Default: 'conversations'.
        format_ (ExportRowsFormat | Unset):  Default: 'csv'.
        from_ (datetime.date | None | Unset): The first day, in UTC; 30 days ago without
        to (datetime.date | None | Unset): The last day, in UTC; today without
        channel (str | Unset):  Default: ''.
        direction (str | Unset):  Default: ''.
        agent (str | Unset):  Default: ''.
        campaign (str | Unset):  Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | str]
    """

    kwargs = _get_kwargs(
        table=table,
        format_=format_,
        from_=from_,
        to=to,
        channel=channel,
        direction=direction,
        agent=agent,
        campaign=campaign,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    table: ExportRowsTable | Unset = "conversations",
    format_: ExportRowsFormat | Unset = "csv",
    from_: datetime.date | None | Unset = UNSET,
    to: datetime.date | None | Unset = UNSET,
    channel: str | Unset = "",
    direction: str | Unset = "",
    agent: str | Unset = "",
    campaign: str | Unset = "",
) -> Problem | str | None:
    """The rows behind the figures

     One row for each conversation, writeback, or patient of a campaign, with the FHIR resource that
    tells of it.

    Args:
        table (ExportRowsTable | Unset):  Default: 'conversations'.
        format_ (ExportRowsFormat | Unset):  Default: 'csv'.
        from_ (datetime.date | None | Unset): The first day, in UTC; 30 days ago without
        to (datetime.date | None | Unset): The last day, in UTC; today without
        channel (str | Unset):  Default: ''.
        direction (str | Unset):  Default: ''.
        agent (str | Unset):  Default: ''.
        campaign (str | Unset):  Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | str
    """

    return (
        await asyncio_detailed(
            client=client,
            table=table,
            format_=format_,
            from_=from_,
            to=to,
            channel=channel,
            direction=direction,
            agent=agent,
            campaign=campaign,
        )
    ).parsed
