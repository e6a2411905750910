"""Ids that exist: seeded before a run, and learnt from its answers, so that most requests get past "not found".

The pools are those of ``CREDENCE_FUZZ_IDS``, a JSON object of names of path parameters (or of the first segment of the
path, for a parameter that is plainly ``id``) with the ids that there are.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

_SHARE = 0.7
"""Of the requests get ids that exist."""
_MOST = 40
_OWN = ("service", "patient", "number", "name", "set_id")
"""Parameters that have a pool under their own name."""


class Existing:
    """The pools of a run, and the chance by which they are drawn from."""

    def __init__(self, seed: int = 1):
        known = json.loads(os.environ.get("CREDENCE_FUZZ_IDS", "{}"))
        self.pools: dict[str, list[str]] = {name: [str(id) for id in ids] for name, ids in known.items()}
        self._chance = random.Random(seed)

    def put_into(self, case: Any) -> None:
        """Name something that exists in the path of a request, mostly."""
        if not case.path_parameters or self._chance.random() > _SHARE:
            return
        pools = {name: self._pool(case.path, name) for name in case.path_parameters}
        case.path_parameters = {
            name: self._chance.choice(pools[name]) if pools[name] else value
            for name, value in case.path_parameters.items()
        }

    def learn(self, case: Any, response: Any) -> None:
        """Keep the id of what a request has made."""
        if response.status_code != 201 or "json" not in response.headers.get("content-type", [""])[0]:
            return
        made = response.json()
        id = made.get("id") if isinstance(made, dict) else None
        pool = self.pools.setdefault(_first(case.path), [])
        if isinstance(id, str) and id not in pool:
            pool.append(id)
            del pool[:-_MOST]

    def _pool(self, path: str, name: str) -> list[str]:
        return self.pools.get(name if name in _OWN else _first(path), [])


def _first(path: str) -> str:
    """What a path is about: ``keys``, ``conversations``."""
    parts = [part for part in path.split("/") if part and not part.startswith("{")]
    return parts[1] if parts[0] == "services" and len(parts) > 1 else parts[0]
