"""FastAPI's own telemetry, switched off: it would tell paths, which hold ids; the environment could switch it on."""

from __future__ import annotations

from typing import Any, Final

SILENT: Final[Any] = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
