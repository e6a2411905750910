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


def _get_kwargs(
    id: str,
    *,
    confirm: str | Unset = "",
    if_match: str | Unset = "",
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_match, Unset):
        headers["If-Match"] = if_match

    params: dict[str, Any] = {}

    params["confirm"] = confirm

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "delete",
        "url": "/workspaces/{id}".format(
            id=quote(str(id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | Problem | None:
    if response.status_code == 204:
        response_204 = cast(Any, None)
        return response_204

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 412:
        response_412 = Problem.from_dict(response.json())

        return response_412

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
) -> Response[Any | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
    confirm: str | Unset = "",
    if_match: str | Unset = "",
) -> Response[Any | Problem]:
    """Delete a workspace

     For the owner of the host, and for ever: the id is not given again. It is served nowhere within a
    second, and its
    store is removed a few seconds later. Of one that has not been suspended for long enough, `confirm`
    is its id.
    Export it first, if anything of it is to be kept. Deleting it again changes nothing.

    Args:
        id (str):
        confirm (str | Unset): The id of the workspace, once more Default: ''.
        if_match (str | Unset): The ETag of what is to be changed: 412 where it has changed since.
            Empty: whatever it is. Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem]
    """

    kwargs = _get_kwargs(
        id=id,
        confirm=confirm,
        if_match=if_match,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    id: str,
    *,
    client: AuthenticatedClient,
    confirm: str | Unset = "",
    if_match: str | Unset = "",
) -> Any | Problem | None:
    """Delete a workspace

     For the owner of the host, and for ever: the id is not given again. It is served nowhere within a
    second, and its
    store is removed a few seconds later. Of one that has not been suspended for long enough, `confirm`
    is its id.
    Export it first, if anything of it is to be kept. Deleting it again changes nothing.

    Args:
        id (str):
        confirm (str | Unset): The id of the workspace, once more Default: ''.
        if_match (str | Unset): The ETag of what is to be changed: 412 where it has changed since.
            Empty: whatever it is. Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem
    """

    return sync_detailed(
        id=id,
        client=client,
        confirm=confirm,
        if_match=if_match,
    ).parsed


async def asyncio_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
    confirm: str | Unset = "",
    if_match: str | Unset = "",
) -> Response[Any | Problem]:
    """Delete a workspace

     For the owner of the host, and for ever: the id is not given again. It is served nowhere within a
    second, and its
    store is removed a few seconds later. Of one that has not been suspended for long enough, `confirm`
    is its id.
    Export it first, if anything of it is to be kept. Deleting it again changes nothing.

    Args:
        id (str):
        confirm (str | Unset): The id of the workspace, once more Default: ''.
        if_match (str | Unset): The ETag of what is to be changed: 412 where it has changed since.
            Empty: whatever it is. Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem]
    """

    kwargs = _get_kwargs(
        id=id,
        confirm=confirm,
        if_match=if_match,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    id: str,
    *,
    client: AuthenticatedClient,
    confirm: str | Unset = "",
    if_match: str | Unset = "",
) -> Any | Problem | None:
    """Delete a workspace

     For the owner of the host, and for ever: the id is not given again. It is served nowhere within a
    second, and its
    store is removed a few seconds later. Of one that has not been suspended for long enough, `confirm`
    is its id.
    Export it first, if anything of it is to be kept. Deleting it again changes nothing.

    Args:
        id (str):
        confirm (str | Unset): The id of the workspace, once more Default: ''.
        if_match (str | Unset): The ETag of what is to be changed: 412 where it has changed since.
            Empty: whatever it is. Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem
    """

    return (
        await asyncio_detailed(
            id=id,
            client=client,
            confirm=confirm,
            if_match=if_match,
        )
    ).parsed
