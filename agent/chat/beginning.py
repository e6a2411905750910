"""How a conversation began: what does not change while it goes on, and stands in its first entry."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import msgspec
from pydantic import BaseModel

from agent.errand import Errand
from agent.memory import Setting
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.chats import ChatUser


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
    def errand(self) -> Errand | None:
        return self.setting.errand

    def belongs_to(self, user: ChatUser) -> bool:
        """Whether it is this user's: one who was known as a patient then must be so now."""
        return (self.service, self.user, self.patient) == (user.service, user.key, user.patient)

    def as_json(self) -> JsonObject:
        told: JsonObject = {
            one.name: getattr(self, one.name) for one in fields(self) if one.name != "setting"
        }
        return {**told, "setting": _plain(self.setting)}


def beginning_of(told: JsonObject) -> Beginning:
    """What :meth:`Beginning.as_json` made, as it was stored."""
    return msgspec.convert(told, Beginning, strict=False, dec_hook=_read)


def _plain(setting: Setting) -> JsonObject:
    """What of a setting is not as it ordinarily is."""
    ordinary = Setting()
    told: JsonObject = {}
    for one in fields(setting):
        value = getattr(setting, one.name)
        if value != getattr(ordinary, one.name):
            told[one.name] = msgspec.to_builtins(value, enc_hook=_written)
    return told


def _written(value: Any) -> Any:
    """Parts of an agent's document, which are models of pydantic."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    raise NotImplementedError(type(value).__name__)


def _read(kind: type[Any], told: Any) -> Any:
    if issubclass(kind, BaseModel):
        return kind.model_validate(told)
    raise NotImplementedError(kind.__name__)
