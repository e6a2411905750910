from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.explained import Explained
from ...models.problem import Problem
from ...models.question import Question
from typing import cast


def _get_kwargs(
    id: str,
    *,
    body: Question,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/scheduling-rules/{id}/explain".format(
            id=quote(str(id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Explained | Problem | None:
    if response.status_code == 200:
        response_200 = Explained.from_dict(response.json())

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

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())

        return response_408

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

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
) -> Response[Explained | Problem]:
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
    body: Question,
) -> Response[Explained | Problem]:
    """Which rule takes which slot away

     Every free slot that is looked at with each rule that takes it away, and why; read as who asks may
    read.

    Args:
        id (str):
        body (Question): Which slots are meant: free ones that begin from `first` until before
            `last`, of them only `slots` where any are
            named. `patient` and `moves` (the appointment to be moved) matter to rules about patients.
            `document` is tried in
            place of what is stored, `now` in place of this moment. `zone`: of the practice, where the
            rules name none.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Explained | Problem]
    """

    kwargs = _get_kwargs(
        id=id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    id: str,
    *,
    client: AuthenticatedClient,
    body: Question,
) -> Explained | Problem | None:
    """Which rule takes which slot away

     Every free slot that is looked at with each rule that takes it away, and why; read as who asks may
    read.

    Args:
        id (str):
        body (Question): Which slots are meant: free ones that begin from `first` until before
            `last`, of them only `slots` where any are
            named. `patient` and `moves` (the appointment to be moved) matter to rules about patients.
            `document` is tried in
            place of what is stored, `now` in place of this moment. `zone`: of the practice, where the
            rules name none.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Explained | Problem
    """

    return sync_detailed(
        id=id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
    body: Question,
) -> Response[Explained | Problem]:
    """Which rule takes which slot away

     Every free slot that is looked at with each rule that takes it away, and why; read as who asks may
    read.

    Args:
        id (str):
        body (Question): Which slots are meant: free ones that begin from `first` until before
            `last`, of them only `slots` where any are
            named. `patient` and `moves` (the appointment to be moved) matter to rules about patients.
            `document` is tried in
            place of what is stored, `now` in place of this moment. `zone`: of the practice, where the
            rules name none.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Explained | Problem]
    """

    kwargs = _get_kwargs(
        id=id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    id: str,
    *,
    client: AuthenticatedClient,
    body: Question,
) -> Explained | Problem | None:
    """Which rule takes which slot away

     Every free slot that is looked at with each rule that takes it away, and why; read as who asks may
    read.

    Args:
        id (str):
        body (Question): Which slots are meant: free ones that begin from `first` until before
            `last`, of them only `slots` where any are
            named. `patient` and `moves` (the appointment to be moved) matter to rules about patients.
            `document` is tried in
            place of what is stored, `now` in place of this moment. `zone`: of the practice, where the
            rules name none.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Explained | Problem
    """

    return (
        await asyncio_detailed(
            id=id,
            client=client,
            body=body,
        )
    ).parsed
