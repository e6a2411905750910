"""How pages of the authorization server look, and with which headers they come: no script and no style but ours."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from fhirserver.rest.smart.replies import PRIVATE

HERE: Final = Path(str(files("fhirserver.rest.smart")))
_TARGET: Final = re.compile(r"'self'|[a-z][a-z0-9+.\-]*:(//[a-z0-9.\-\[\]:]+)?\Z")
"""Nothing that could be another directive of the policy."""


class Look:
    """Renders pages."""

    def __init__(self) -> None:
        self._templates = Jinja2Templates(directory=HERE / "templates")
        self._templates.env.trim_blocks = self._templates.env.lstrip_blocks = True

    def page(
        self, request: Request, name: str, status: int = 200, *, targets: str = "'self'", **values: object
    ) -> Response:
        """A page. ``targets``: where its forms may lead, by ``form-action``."""
        return self._templates.TemplateResponse(request, name, values, status, headers=_headers(targets))

    def static(self) -> Mount:
        """The style sheet."""
        return Mount("/auth/static", StaticFiles(directory=HERE / "static"))


def _headers(targets: str) -> dict[str, str]:
    allowed = " ".join(one for one in targets.split() if _TARGET.match(one))
    policy = f"default-src 'self'; frame-ancestors 'none'; form-action {allowed}; base-uri 'none'"
    return {
        **PRIVATE,
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    }
