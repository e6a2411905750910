"""The application at ``/chat``: every router there is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI

from fhirserver.rest.chat import conversations, messages, outreach, socket, widget
from fhirserver.rest.chat.chat import Chat
from fhirserver.rest.chat.models import Problem
from fhirserver.rest.chat.origins import Origins
from fhirserver.rest.platform.problems import answer_problems
from fhirserver.rest.telemetry import SILENT

_WHY = {
    400: "The body is not JSON, or the request cannot be understood",
    401: "No token, or one that is not accepted",
    403: "Whose token it is may not do this",
    404: "There is no such service or conversation, or it is another user's",
    405: "There is nothing to be done with this method",
    406: "None of the media types asked for",
    408: "The body did not come in time",
    409: "The conversation is over, or the key was used for something else",
    410: "Only the record of the conversation is left: ask for its events from the first",
    413: "Too much",
    415: "Another kind of document than is taken",
    422: "The request is not as it is described",
    429: "Too many; Retry-After says when to come again",
    503: "Too much is going on; Retry-After says when to come again",
}


def _refusals() -> dict[int | str, dict[str, Any]]:
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": why, "content": content} for status, why in _WHY.items()}


def routers() -> list[APIRouter]:
    """In the order in which the OpenAPI description has them."""
    return [conversations.router, messages.router, outreach.router, socket.router, widget.router]


def chat_application(chat: Chat, version: str) -> Origins:
    """To be mounted at ``/chat``. Imported only when that is asked for."""
    web = FastAPI(
        title="Credence chat",
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        servers=[{"url": chat.at}],
        root_path_in_servers=False,
        redirect_slashes=False,
        responses=_refusals(),
        telemetry=SILENT,
    )
    web.state.chat = chat
    answer_problems(web)
    for router in routers():
        web.include_router(router)
    return Origins(web, chat.chats)
