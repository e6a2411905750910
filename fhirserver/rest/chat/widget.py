"""The chat widget, which any page may load, and where it is turned on the page ``/chat/demo`` that shows it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from fhirserver.access.demo_users import DemoUsers
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.rest.chat.chat import Chat

router = APIRouter(include_in_schema=False)
_SCRIPT = "text/javascript; charset=utf-8"
_OPEN = {
    "Access-Control-Allow-Origin": "*",  # a module is fetched by CORS, and holds nothing of anybody
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=300",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_PARTS = r"^(?:connection|log|look|words)\.js$"
_DEMO = r"^demo\.(?:js|css)$"


class Visitor(BaseModel):
    """Who comes: 128 random bits in hexadecimal."""

    model_config = ConfigDict(extra="forbid")

    visitor: Annotated[str, Field(pattern=r"^[a-f0-9]{32}$")]


@cache
def _static(name: str) -> bytes:
    return (files("fhirserver.rest.chat") / "static" / name).read_bytes()


def demo(request: Request) -> DemoUsers:
    """Refuses (404) where there is no demo."""
    chat: Chat = request.app.state.chat
    if chat.demo is None:
        raise refuse(Category.NOT_FOUND, "not-found", "There is no demo here: the setting [chat] demo is off")
    return chat.demo


Demo = Annotated[DemoUsers, Depends(demo)]


@router.get("/widget.js")
async def widget() -> Response:
    """The widget's script."""
    return Response(_static("widget.js"), 200, _OPEN, _SCRIPT)


@router.get("/widget/{name}")
async def part(name: Annotated[str, Path(pattern=_PARTS)]) -> Response:
    """What it imports."""
    return Response(_static(name), 200, _OPEN, _SCRIPT)


@router.get("/demo")
async def page(demo: Demo) -> Response:
    """A clinic's page with the widget on it."""
    return Response(_static("demo.html"), 200, _PAGE, "text/html; charset=utf-8")


@router.get("/demo/{name}")
async def look(demo: Demo, name: Annotated[str, Path(pattern=_DEMO)]) -> Response:
    """Script and style of that page."""
    kind = _SCRIPT if name.endswith(".js") else "text/css; charset=utf-8"
    return Response(_static(name), 200, _PAGE, kind)


@router.post("/demo/token")
async def token(demo: Demo, visitor: Visitor) -> dict[str, str]:
    """A token for a visitor, as the backend of an app would give it to its user."""
    return {"token": demo.token(visitor.visitor)}
