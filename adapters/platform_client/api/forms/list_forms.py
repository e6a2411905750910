from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.list_forms_status_type_0 import check_list_forms_status_type_0
from ...models.list_forms_status_type_0 import ListFormsStatusType0
from ...models.page_form import PageForm
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    *,
    patient: str | Unset = "",
    status: ListFormsStatusType0 | None | Unset = UNSET,
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

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/forms",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PageForm | Problem | None:
    if response.status_code == 200:
        response_200 = PageForm.from_dict(response.json())

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
) -> Response[PageForm | Problem]:
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
    status: ListFormsStatusType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> Response[PageForm | Problem]:
    """List forms

     The newest first.

    Args:
        patient (str | Unset):  Default: ''.
        status (ListFormsStatusType0 | None | Unset):
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PageForm | Problem]
    """

    kwargs = _get_kwargs(
        patient=patient,
        status=status,
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
    status: ListFormsStatusType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> PageForm | Problem | None:
    """List forms

     The newest first.

    Args:
        patient (str | Unset):  Default: ''.
        status (ListFormsStatusType0 | None | Unset):
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PageForm | Problem
    """

    return sync_detailed(
        client=client,
        patient=patient,
        status=status,
        limit=limit,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    patient: str | Unset = "",
    status: ListFormsStatusType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> Response[PageForm | Problem]:
    """List forms

     The newest first.

    Args:
        patient (str | Unset):  Default: ''.
        status (ListFormsStatusType0 | None | Unset):
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PageForm | Problem]
    """

    kwargs = _get_kwargs(
        patient=patient,
        status=status,
        limit=limit,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    patient: str | Unset = "",
    status: ListFormsStatusType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    cursor: str | Unset = "",
) -> PageForm | Problem | None:
    """List forms

     The newest first.

    Args:
        patient (str | Unset):  Default: ''.
        status (ListFormsStatusType0 | None | Unset):
        limit (int | Unset): At most so many items Default: 50.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PageForm | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            patient=patient,
            status=status,
            limit=limit,
            cursor=cursor,
        )
    ).parsed
