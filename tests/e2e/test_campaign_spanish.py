"""A patient whose language is Spanish answers a campaign: understood and answered in Spanish, and what is not plain is
left to people who speak it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from agent.campaigns.preferences import barred
from fhirserver.kernel.json import JsonObject
from tests.campaign_world import REMINDER, World, campaign_world
from tests.e2e.test_campaign_conversations import accepted, write

ANN = "+12125550101"
SPANISH = {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}, "preferred": True}
FOLLOW_UP: JsonObject = {
    **REMINDER,
    "purpose": "follow_up",
    "audience": {"searches": ["Patient?birthdate=gt1900-01-01"]},
}


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with campaign_world(tmp_path) as made:
        yield made


async def texted(world: World, document: JsonObject = REMINDER, language: bool = True) -> None:
    more = {"communication": [SPANISH]} if language else {}
    await world.person("ann", ANN, birthDate="1982-03-03", **more)
    await world.visit("v", "ann", days=4)
    await world.start(document)
    await world.settle(world.engine())
    [(_, _, words)] = world.sms.reached
    assert ("cita" in words or "visita" in words) is language
    world.clock.at += timedelta(minutes=20)


async def outcome(world: World) -> str:
    await world.settle(world.engine())
    return (await world.outcomes())["ann"][1]


@pytest.mark.parametrize("words", ["SÍ", "si", "confirmo", "Sí, ahí estaré, gracias", "1"])
async def test_a_yes_confirms_the_appointment(world: World, words: str) -> None:
    await texted(world)
    [reply] = await write(world, words)
    assert reply == "Gracias, su cita está confirmada. ¡Le esperamos!"
    assert await accepted(world)
    assert await outcome(world) == "done"


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        ("CAMBIAR", "buscar otra hora"),
        ("no", "cambiar o cancelar su cita"),
        ("No puedo ir el jueves", "cambiar o cancelar su cita"),
        ("quiero cancelar mi cita", "cancelar su cita"),
        ("Sí, pero ¿puedo llegar media hora más tarde?", "se comunicará con usted"),
        ("LLAMAR", "se comunicará con usted"),
    ],
)
async def test_what_is_more_than_a_yes_is_handed_to_a_person_in_spanish(
    world: World, words: str, reply: str
) -> None:
    await texted(world)
    [told] = await write(world, words)
    assert reply in told and told.startswith("Gracias")
    assert not await accepted(world)
    assert await outcome(world) == "transferred", "nobody is called in English after that"
    [summary] = [one for one in await world.client.search("Composition", []) if "in Spanish" in str(one)]
    assert summary


@pytest.mark.parametrize("words", ["no me escriban más", "no quiero recibir más mensajes"])
async def test_no_more_of_it_in_words(world: World, words: str) -> None:
    await texted(world)
    [reply] = await write(world, words)
    assert reply == "Entendido. No le enviaremos más mensajes."
    assert await outcome(world) == "opted-out"
    assert barred(await world.client.search("Flag", [("patient", "Patient/ann")]), "sms", ANN)


async def test_cancelar_alone_is_asked_back(world: World) -> None:
    await texted(world)
    asked, reply = await write(world, "CANCELAR", "cita")
    assert "CITA o BAJA" in asked and "cancelar su cita" in reply
    assert await outcome(world) == "transferred"


async def test_help_and_then_a_yes(world: World) -> None:
    await texted(world)
    told, reply = await write(world, "AYUDA", "sí")
    assert told.startswith("Lakeside Clinic:") and "BAJA" in told and "confirmada" in reply
    assert await accepted(world)


async def test_ok_is_asked_back_once(world: World) -> None:
    await texted(world)
    asked, reply = await write(world, "ok", "vale")
    assert "Responda SI" in asked and "comunicará" in reply
    assert not await accepted(world)


async def test_how_it_goes_after_a_visit(world: World) -> None:
    await texted(world, FOLLOW_UP)
    [reply] = await write(world, "Muy bien, gracias")
    assert "Me alegra" in reply
    assert await outcome(world) == "done"


async def test_danger_is_answered_at_once(world: World) -> None:
    await texted(world, FOLLOW_UP)
    [reply] = await write(world, "tengo mucho dolor en el pecho")
    assert "911" in reply and "médica" in reply
    assert await outcome(world) == "transferred"


async def test_who_is_written_to_in_english_and_answers_in_spanish_is_understood(world: World) -> None:
    await texted(world, language=False)
    [reply] = await write(world, "Sí, gracias")
    assert "su cita está confirmada" in reply and await accepted(world)


async def test_who_is_written_to_in_spanish_and_answers_in_english_is_answered_in_english(
    world: World,
) -> None:
    await texted(world)
    [reply] = await write(world, "YES")
    assert reply == "Thank you, your appointment is confirmed. See you then!" and await accepted(world)


async def test_on_a_number_of_several_patients_a_yes_is_a_persons_to_understand(world: World) -> None:
    await world.person("ben", ANN, birthDate="2015-03-03", communication=[SPANISH])
    await world.visit("w", "ben", days=4)
    await world.person("ann", ANN, birthDate="1982-03-03", communication=[SPANISH])
    await world.visit("v", "ann", days=4)
    await world.start(REMINDER)
    await world.settle(world.engine())
    assert len(world.sms.reached) == 2
    [reply] = await write(world, "sí")
    assert "se comunicará con usted" in reply
    assert not await accepted(world)
