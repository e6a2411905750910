from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.graph_told import GraphTold
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    id: str,
    *,
    of: str | Unset = "draft",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["of"] = of

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/agents/{id}/graph".format(
            id=quote(str(id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> GraphTold | Problem | None:
    if response.status_code == 200:
        response_200 = GraphTold.from_dict(response.json())

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

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

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
) -> Response[GraphTold | Problem]:
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
    of: str | Unset = "draft",
) -> Response[GraphTold | Problem]:
    """The context graph

     As a document makes it; of one that cannot be read, the ordinary graph.

    Args:
        id (str):
        of (str | Unset): `draft`, `active` or a version's number Default: 'draft'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphTold | Problem]
    """

    kwargs = _get_kwargs(
        id=id,
        of=of,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    id: str,
    *,
    client: AuthenticatedClient,
    of: str | Unset = "draft",
) -> GraphTold | Problem | None:
    """The context graph

     As a document makes it; of one that cannot be read, the ordinary graph.

    Args:
        id (str):
        of (str | Unset): `draft`, `active` or a version's number Default: 'draft'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GraphTold | Problem
    """

    return sync_detailed(
        id=id,
        client=client,
        of=of,
    ).parsed


async def asyncio_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
    of: str | Unset = "draft",
) -> Response[GraphTold | Problem]:
    """The context graph

     As a document makes it; of one that cannot be read, the ordinary graph.

    Args:
        id (str):
        of (str | Unset): `draft`, `active` or a version's number Default: 'draft'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphTold | Problem]
    """

    kwargs = _get_kwargs(
        id=id,
        of=of,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    id: str,
    *,
    client: AuthenticatedClient,
    of: str | Unset = "draft",
) -> GraphTold | Problem | None:
    """The context graph

     As a document makes it; of one that cannot be read, the ordinary graph.

    Args:
        id (str):
        of (str | Unset): `draft`, `active` or a version's number Default: 'draft'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GraphTold | Problem
    """

    return (
        await asyncio_detailed(
            id=id,
            client=client,
            of=of,
        )
    ).parsed
