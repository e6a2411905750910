from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.problem import Problem
from ...models.requirement_set import RequirementSet
from ...models.requirement_set_told import RequirementSetTold
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    set_id: str,
    *,
    body: RequirementSet,
    if_match: str | Unset = "",
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_match, Unset):
        headers["If-Match"] = if_match

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/forms/requirement-sets/{set_id}".format(
            set_id=quote(str(set_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | RequirementSetTold | None:
    if response.status_code == 200:
        response_200 = RequirementSetTold.from_dict(response.json())

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

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 412:
        response_412 = Problem.from_dict(response.json())

        return response_412

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
) -> Response[Problem | RequirementSetTold]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    set_id: str,
    *,
    client: AuthenticatedClient,
    body: RequirementSet,
    if_match: str | Unset = "",
) -> Response[Problem | RequirementSetTold]:
    """Configure a requirement set

     Make a set, or take the place of one; a set that came with the server is replaced by one of its id.
    It is a FHIR
    Library with versions and provenance.

    Args:
        set_id (str):
        if_match (str | Unset): The ETag of what is to be changed: 412 where it has changed since.
            Empty: whatever it is. Default: ''.
        body (RequirementSet): What a practice wants to know of a patient.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RequirementSetTold]
    """

    kwargs = _get_kwargs(
        set_id=set_id,
        body=body,
        if_match=if_match,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    set_id: str,
    *,
    client: AuthenticatedClient,
    body: RequirementSet,
    if_match: str | Unset = "",
) -> Problem | RequirementSetTold | None:
    """Configure a requirement set

     Make a set, or take the place of one; a set that came with the server is replaced by one of its id.
    It is a FHIR
    Library with versions and provenance.

    Args:
        set_id (str):
        if_match (str | Unset): The ETag of what is to be changed: 412 where it has changed since.
            Empty: whatever it is. Default: ''.
        body (RequirementSet): What a practice wants to know of a patient.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RequirementSetTold
    """

    return sync_detailed(
        set_id=set_id,
        client=client,
        body=body,
        if_match=if_match,
    ).parsed


async def asyncio_detailed(
    set_id: str,
    *,
    client: AuthenticatedClient,
    body: RequirementSet,
    if_match: str | Unset = "",
) -> Response[Problem | RequirementSetTold]:
    """Configure a requirement set

     Make a set, or take the place of one; a set that came with the server is replaced by one of its id.
    It is a FHIR
    Library with versions and provenance.

    Args:
        set_id (str):
        if_match (str | Unset): The ETag of what is to be changed: 412 where it has changed since.
            Empty: whatever it is. Default: ''.
        body (RequirementSet): What a practice wants to know of a patient.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RequirementSetTold]
    """

    kwargs = _get_kwargs(
        set_id=set_id,
        body=body,
        if_match=if_match,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    set_id: str,
    *,
    client: AuthenticatedClient,
    body: RequirementSet,
    if_match: str | Unset = "",
) -> Problem | RequirementSetTold | None:
    """Configure a requirement set

     Make a set, or take the place of one; a set that came with the server is replaced by one of its id.
    It is a FHIR
    Library with versions and provenance.

    Args:
        set_id (str):
        if_match (str | Unset): The ETag of what is to be changed: 412 where it has changed since.
            Empty: whatever it is. Default: ''.
        body (RequirementSet): What a practice wants to know of a patient.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RequirementSetTold
    """

    return (
        await asyncio_detailed(
            set_id=set_id,
            client=client,
            body=body,
            if_match=if_match,
        )
    ).parsed
