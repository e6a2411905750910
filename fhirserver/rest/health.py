"""``/healthz`` and ``/readyz``: open to everybody, so they name parts and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LOOK_SECONDS: Final = 1.0
"""An answer is given again for so long: whoever asks without end costs nothing."""


class Readiness(Protocol):
    """What must work for this process to be of use."""

    async def parts(self) -> Mapping[str, bool]:
        """Each part by its name, and whether it does; none while the process starts."""
        ...


class HealthRoutes:
    """Whether the loop turns, and whether all that is needed works."""

    def __init__(self, readiness: Readiness):
        self._readiness = readiness
        self._looking = asyncio.Lock()
        self._seen: Mapping[str, bool] = {}
        self._seen_at = float("-inf")

    def routes(self) -> list[Route]:
        return [Route("/healthz", self.healthz), Route("/readyz", self.readyz)]

    async def healthz(self, request: Request) -> Response:
        """That this is answered is the answer."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """200 where every part is ready, else 503; which part is not is said, why is in log and figures."""
        parts = await self._parts()
        if not parts:
            return JSONResponse({"status": "starting"}, status_code=503)
        if all(parts.values()):
            return JSONResponse({"status": "ready"})
        told = {name: "ready" if well else "not ready" for name, well in parts.items()}
        return JSONResponse({"status": "not ready", "parts": told}, status_code=503)

    async def _parts(self) -> Mapping[str, bool]:
        async with self._looking:
            if not self._seen or time.monotonic() - self._seen_at > LOOK_SECONDS:
                self._seen = await self._readiness.parts()
                self._seen_at = time.monotonic()
            return self._seen
