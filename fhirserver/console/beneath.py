"""The console of a workspace in another's server: the same pages, beneath a path of their own.

Pages, redirections and scripts' orders say ``/console`` everywhere; here they learn what others call that.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import Response

HOME = "/console"
_ADDRESS = re.compile(rf"(?<=[\"']){HOME}(?=[\"'/?{{])")
"""As templates write it: a text that begins with it."""
_LEADING = ("location", "hx-redirect", "hx-replace-url", "hx-push-url")
Endpoint = Callable[[Request], Awaitable[Response]]
Source = tuple[str, str, Callable[[], bool]]


class TemplatesBeneath(FileSystemLoader):
    """Templates whose addresses begin with ``prefix``."""

    def __init__(self, folder: Path, prefix: str):
        super().__init__(folder)
        self._home = prefix + HOME

    def get_source(self, environment: Environment, template: str) -> Source:
        text, name, is_current = super().get_source(environment, template)
        return _ADDRESS.sub(self._home, text), name, is_current


def beneath(prefix: str, endpoint: Endpoint) -> Endpoint:
    """The endpoint, leading to addresses that begin with ``prefix``."""
    if not prefix:
        return endpoint

    async def leading(request: Request) -> Response:
        answer = await endpoint(request)
        for name in _LEADING:
            if answer.headers.get(name, "").startswith(HOME):
                answer.headers[name] = prefix + answer.headers[name]
        return answer

    return leading
