"""What the settings say of the agent: what every conversation begins from, and a floor for what documents say."""

from __future__ import annotations

from agent.memory import Setting
from fhirserver.app.settings import Settings


def setting_of(settings: Settings) -> Setting:
    """``[voice]`` as the agent takes it."""
    chosen = settings.voice
    return Setting(
        practice=chosen.practice,
        zone=chosen.zone,
        identity_attempts=chosen.identity_attempts,
        third_party=chosen.third_party,
        infer_phone=chosen.infer_phone,
    )
