"""How a conversation began: what does not change while it goes on, and stands in its first entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from agent.errand import Errand
from agent.memory import Setting
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.chats import ChatUser
from fhirserver.world.configured.parts import Part, read, written


@dataclass(frozen=True, slots=True)
class Beginning:
    """``setting`` is the agent's for as long as the conversation goes on, whatever is configured meanwhile."""

    service: str
    title: str
    user: str
    setting: Setting = field(default_factory=Setting)
    phone: str = ""
    name: str = ""
    order: str = ""
    """The id of the order by which the practice began it."""
    agent: str = ""
    """The configuration that the agent is made by; empty for that of the settings."""

    @property
    def patient(self) -> str:
        """Whom the user's token has proved; empty where it has not."""
        return self.setting.patient

    @property
    def proxy(self) -> str:
        """The RelatedPerson who speaks for the patient; empty for the patient."""
        return self.setting.proxy

    @property
    def errand(self) -> Errand | None:
        return self.setting.errand

    def belongs_to(self, user: ChatUser) -> bool:
        """Whether it is this user's: one who was known as a patient then must be so now."""
        mine = (self.service, self.user, self.patient, self.proxy)
        return mine == (user.service, user.key, user.patient, user.related)

    def as_json(self) -> JsonObject:
        """Without what is as it is where nothing was said: the setting is large, and most of it is ordinary."""
        told = _members(self)
        told["setting"] = _differing(told["setting"], _members(Setting()))
        return {name: value for name, value in told.items() if value}


def beginning_of(told: JsonObject) -> Beginning:
    """What :meth:`Beginning.as_json` made, as it was stored."""
    return msgspec.convert(told, Beginning, strict=False, dec_hook=_read)


def _members(of: object) -> JsonObject:
    told: JsonObject = msgspec.to_builtins(of, enc_hook=_told)
    return told


def _differing(told: JsonObject, ordinary: JsonObject) -> JsonObject:
    return {name: value for name, value in told.items() if value != ordinary.get(name)}


def _told(part: Any) -> JsonObject:
    """A part of the setting that is a document of configuration."""
    if isinstance(part, Part):
        return written(part)
    raise NotImplementedError(type(part).__name__)


def _read(kind: type, told: Any) -> Any:
    if issubclass(kind, Part):
        return read(kind, told)
    raise NotImplementedError(kind.__name__)
