"""A wish that cannot be kept for now is not taken: the carrier is to tell it again."""

from __future__ import annotations

from typing import Any, cast

import pytest
from starlette.requests import Request

from agent.telephony.text_webhook import TextWebhook
from agent.telephony.texting import Texting
from agent.telephony.webhooks import NotTaken

FORM = {"MessageSid": "SM1", "From": "+12125550101", "To": "+15555550100"}
NOTHING = cast(Request, None)


class Kept:
    def __init__(self, at_once: bool):
        self.at_once, self.told = at_once, list[tuple[str, str]]()

    async def stop(self, number: str) -> bool:
        self.told.append(("stop", number))
        return self.at_once

    async def start(self, number: str) -> bool:
        self.told.append(("start", number))
        return self.at_once


class Silent:
    def stop(self, caller: str, called: str) -> None:
        return None


def _webhook(kept: Kept) -> TextWebhook:
    return TextWebhook(cast(Texting, cast(Any, Silent())), kept)


@pytest.mark.parametrize("word", ["STOP", "START"])
async def test_it_is_answered_once_it_is_kept(word: str) -> None:
    kept = Kept(at_once=True)
    assert "Message" not in await _webhook(kept).sms({**FORM, "Body": word}, NOTHING)
    assert kept.told == [(word.lower(), "+12125550101")]
    with pytest.raises(NotTaken):
        await _webhook(Kept(at_once=False)).sms({**FORM, "Body": word}, NOTHING)


@pytest.mark.parametrize(
    ("word", "wish", "reply"),
    [
        ("ALTO", "stop", "No le enviaremos más mensajes"),
        ("¡Baja!", "stop", "No le enviaremos más mensajes"),
        ("parar", "stop", "No le enviaremos más mensajes"),
        ("Iniciar", "start", "Le enviaremos mensajes de nuevo"),
    ],
)
async def test_words_in_spanish_which_the_carrier_does_not_know_are_answered_in_spanish(
    word: str, wish: str, reply: str
) -> None:
    kept = Kept(at_once=True)
    assert reply in await _webhook(kept).sms({**FORM, "Body": word}, NOTHING)
    assert kept.told == [(wish, "+12125550101")]
    told = await _webhook(Kept(at_once=True)).sms({**FORM, "Body": word, "OptOutType": "STOP"}, NOTHING)
    assert "Message" not in told, "the carrier has answered itself"
