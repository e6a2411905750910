from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.form import Form
from ...models.new_form import NewForm
from ...models.problem import Problem
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    *,
    body: NewForm,
    idempotency_key: str | Unset = "",
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/forms",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Form | Problem | None:
    if response.status_code == 200:
        response_200 = Form.from_dict(response.json())

        return response_200

    if response.status_code == 201:
        response_201 = Form.from_dict(response.json())

        return response_201

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
) -> Response[Form | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: NewForm,
    idempotency_key: str | Unset = "",
) -> Response[Form | Problem]:
    """Make a form

     For what is missing now. 409 where nothing is to be asked; the end of the problem's `type` says why:
    `nothing-missing`, `asked-lately`, `enough-forms` (this month), or `forms-off` where there are none
    here. With the
    same `Idempotency-Key` again, the form that was made (200).

    Args:
        idempotency_key (str | Unset): A name of this one form: the same again makes none, however
            much later. Default: ''.
        body (NewForm): A form for what is missing. `subjects` narrow what is asked for; `about`
            is what it is for, such as an
            Appointment. With `send`, the link goes out as a text message at once.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Form | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: NewForm,
    idempotency_key: str | Unset = "",
) -> Form | Problem | None:
    """Make a form

     For what is missing now. 409 where nothing is to be asked; the end of the problem's `type` says why:
    `nothing-missing`, `asked-lately`, `enough-forms` (this month), or `forms-off` where there are none
    here. With the
    same `Idempotency-Key` again, the form that was made (200).

    Args:
        idempotency_key (str | Unset): A name of this one form: the same again makes none, however
            much later. Default: ''.
        body (NewForm): A form for what is missing. `subjects` narrow what is asked for; `about`
            is what it is for, such as an
            Appointment. With `send`, the link goes out as a text message at once.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Form | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: NewForm,
    idempotency_key: str | Unset = "",
) -> Response[Form | Problem]:
    """Make a form

     For what is missing now. 409 where nothing is to be asked; the end of the problem's `type` says why:
    `nothing-missing`, `asked-lately`, `enough-forms` (this month), or `forms-off` where there are none
    here. With the
    same `Idempotency-Key` again, the form that was made (200).

    Args:
        idempotency_key (str | Unset): A name of this one form: the same again makes none, however
            much later. Default: ''.
        body (NewForm): A form for what is missing. `subjects` narrow what is asked for; `about`
            is what it is for, such as an
            Appointment. With `send`, the link goes out as a text message at once.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Form | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: NewForm,
    idempotency_key: str | Unset = "",
) -> Form | Problem | None:
    """Make a form

     For what is missing now. 409 where nothing is to be asked; the end of the problem's `type` says why:
    `nothing-missing`, `asked-lately`, `enough-forms` (this month), or `forms-off` where there are none
    here. With the
    same `Idempotency-Key` again, the form that was made (200).

    Args:
        idempotency_key (str | Unset): A name of this one form: the same again makes none, however
            much later. Default: ''.
        body (NewForm): A form for what is missing. `subjects` narrow what is asked for; `about`
            is what it is for, such as an
            Appointment. With `send`, the link goes out as a text message at once.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Form | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
