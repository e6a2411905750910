from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.list_review_items_order import check_list_review_items_order
from ...models.list_review_items_order import ListReviewItemsOrder
from ...models.list_review_items_priority_type_0 import check_list_review_items_priority_type_0
from ...models.list_review_items_priority_type_0 import ListReviewItemsPriorityType0
from ...models.list_review_items_status_type_0_item import check_list_review_items_status_type_0_item
from ...models.list_review_items_status_type_0_item import ListReviewItemsStatusType0Item
from ...models.page_review_item import PageReviewItem
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast
import datetime


def _get_kwargs(
    *,
    status: list[ListReviewItemsStatusType0Item] | None | Unset = UNSET,
    priority: ListReviewItemsPriorityType0 | None | Unset = UNSET,
    reason: str | Unset = "",
    patient: str | Unset = "",
    about: str | Unset = "",
    held_by: str | Unset = "",
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    order: ListReviewItemsOrder | Unset = "priority",
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_status: list[str] | None | Unset
    if isinstance(status, Unset):
        json_status = UNSET
    elif isinstance(status, list):
        json_status = []
        for status_type_0_item_data in status:
            status_type_0_item: str = status_type_0_item_data
            json_status.append(status_type_0_item)

    else:
        json_status = status
    params["status"] = json_status

    json_priority: None | str | Unset
    if isinstance(priority, Unset):
        json_priority = UNSET
    elif isinstance(priority, str):
        json_priority = priority
    else:
        json_priority = priority
    params["priority"] = json_priority

    params["reason"] = reason

    params["patient"] = patient

    params["about"] = about

    params["held_by"] = held_by

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

    json_order: str | Unset = UNSET
    if not isinstance(order, Unset):
        json_order = order

    params["order"] = json_order

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/review",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PageReviewItem | Problem | None:
    if response.status_code == 200:
        response_200 = PageReviewItem.from_dict(response.json())

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
) -> Response[PageReviewItem | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    status: list[ListReviewItemsStatusType0Item] | None | Unset = UNSET,
    priority: ListReviewItemsPriorityType0 | None | Unset = UNSET,
    reason: str | Unset = "",
    patient: str | Unset = "",
    about: str | Unset = "",
    held_by: str | Unset = "",
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    order: ListReviewItemsOrder | Unset = "priority",
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> Response[PageReviewItem | Problem]:
    """List review items

     The queue.

    Args:
        status (list[ListReviewItemsStatusType0Item] | None | Unset): Those that wait where none
            is said
        priority (ListReviewItemsPriorityType0 | None | Unset):
        reason (str | Unset):  Default: ''.
        patient (str | Unset):  Default: ''.
        about (str | Unset):  Default: ''.
        held_by (str | Unset):  Default: ''.
        from_ (datetime.datetime | None | Unset):
        to (datetime.datetime | None | Unset):
        order (ListReviewItemsOrder | Unset):  Default: 'priority'.
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PageReviewItem | Problem]
    """

    kwargs = _get_kwargs(
        status=status,
        priority=priority,
        reason=reason,
        patient=patient,
        about=about,
        held_by=held_by,
        from_=from_,
        to=to,
        order=order,
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
    status: list[ListReviewItemsStatusType0Item] | None | Unset = UNSET,
    priority: ListReviewItemsPriorityType0 | None | Unset = UNSET,
    reason: str | Unset = "",
    patient: str | Unset = "",
    about: str | Unset = "",
    held_by: str | Unset = "",
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    order: ListReviewItemsOrder | Unset = "priority",
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> PageReviewItem | Problem | None:
    """List review items

     The queue.

    Args:
        status (list[ListReviewItemsStatusType0Item] | None | Unset): Those that wait where none
            is said
        priority (ListReviewItemsPriorityType0 | None | Unset):
        reason (str | Unset):  Default: ''.
        patient (str | Unset):  Default: ''.
        about (str | Unset):  Default: ''.
        held_by (str | Unset):  Default: ''.
        from_ (datetime.datetime | None | Unset):
        to (datetime.datetime | None | Unset):
        order (ListReviewItemsOrder | Unset):  Default: 'priority'.
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PageReviewItem | Problem
    """

    return sync_detailed(
        client=client,
        status=status,
        priority=priority,
        reason=reason,
        patient=patient,
        about=about,
        held_by=held_by,
        from_=from_,
        to=to,
        order=order,
        limit=limit,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    status: list[ListReviewItemsStatusType0Item] | None | Unset = UNSET,
    priority: ListReviewItemsPriorityType0 | None | Unset = UNSET,
    reason: str | Unset = "",
    patient: str | Unset = "",
    about: str | Unset = "",
    held_by: str | Unset = "",
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    order: ListReviewItemsOrder | Unset = "priority",
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> Response[PageReviewItem | Problem]:
    """List review items

     The queue.

    Args:
        status (list[ListReviewItemsStatusType0Item] | None | Unset): Those that wait where none
            is said
        priority (ListReviewItemsPriorityType0 | None | Unset):
        reason (str | Unset):  Default: ''.
        patient (str | Unset):  Default: ''.
        about (str | Unset):  Default: ''.
        held_by (str | Unset):  Default: ''.
        from_ (datetime.datetime | None | Unset):
        to (datetime.datetime | None | Unset):
        order (ListReviewItemsOrder | Unset):  Default: 'priority'.
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PageReviewItem | Problem]
    """

    kwargs = _get_kwargs(
        status=status,
        priority=priority,
        reason=reason,
        patient=patient,
        about=about,
        held_by=held_by,
        from_=from_,
        to=to,
        order=order,
        limit=limit,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    status: list[ListReviewItemsStatusType0Item] | None | Unset = UNSET,
    priority: ListReviewItemsPriorityType0 | None | Unset = UNSET,
    reason: str | Unset = "",
    patient: str | Unset = "",
    about: str | Unset = "",
    held_by: str | Unset = "",
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
    order: ListReviewItemsOrder | Unset = "priority",
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> PageReviewItem | Problem | None:
    """List review items

     The queue.

    Args:
        status (list[ListReviewItemsStatusType0Item] | None | Unset): Those that wait where none
            is said
        priority (ListReviewItemsPriorityType0 | None | Unset):
        reason (str | Unset):  Default: ''.
        patient (str | Unset):  Default: ''.
        about (str | Unset):  Default: ''.
        held_by (str | Unset):  Default: ''.
        from_ (datetime.datetime | None | Unset):
        to (datetime.datetime | None | Unset):
        order (ListReviewItemsOrder | Unset):  Default: 'priority'.
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PageReviewItem | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            status=status,
            priority=priority,
            reason=reason,
            patient=patient,
            about=about,
            held_by=held_by,
            from_=from_,
            to=to,
            order=order,
            limit=limit,
            cursor=cursor,
        )
    ).parsed
