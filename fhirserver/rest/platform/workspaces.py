"""``/platform/me`` and ``/platform/workspaces``: who asks, and where."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel

from fhirserver.rest.platform.rights import RIGHTS, Asked, Right, needs

router = APIRouter(tags=["workspaces"])


class Me(BaseModel):
    """Who asks, and what they may do."""

    name: str
    role: str
    rights: list[str]
    workspace: str


@router.get("/me", summary="Who asks")
async def me(asked: Annotated[Asked, needs(Right.READ)]) -> Me:
    """Who the bearer token is."""
    rights = sorted(right.value for right in RIGHTS[asked.role])
    return Me(name=asked.principal.name, role=asked.role, rights=rights, workspace=asked.workspace)
