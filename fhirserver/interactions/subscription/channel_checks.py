"""Which channels there are, and whether one can serve a Subscription: asked when it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fhirserver.interactions.subscription.wanted import Wanted
from fhirserver.kernel.outcomes import Issue

ChannelCheck = Callable[[Wanted], str | None]
"""Why a channel can never serve a Subscription; None where it can."""


@dataclass(frozen=True)
class Channels:
    """The channel types that there are, each with its check; and where sockets are opened, if anywhere."""

    checks: Mapping[str, ChannelCheck] = field(default_factory=dict)
    websocket_url: str = ""

    def issues(self, wanted: Wanted) -> list[Issue]:
        """Why the channel of a Subscription cannot be served."""
        check = self.checks.get(wanted.channel)
        if check is None:
            known = ", ".join(sorted(self.checks)) or "none"
            text = f"This channel type is not supported; supported are: {known}"
            where = "Subscription.channel.type" + (".extension[0]" if "|" in wanted.channel else "")
            return [Issue("not-supported", text, (where,))]
        reason = check(wanted)
        if reason is None:
            return []
        where = "header" if "header" in reason else "endpoint"
        return [Issue("business-rule", reason, (f"Subscription.channel.{where}",))]
