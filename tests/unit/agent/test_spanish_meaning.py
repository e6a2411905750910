"""What is meant by answers in Spanish, and that English is none of them."""

from __future__ import annotations

import pytest

from agent.policy.spanish import OTHER, is_spanish, meaning

MEANT = {
    "yes": (
        "sí", "Si", "SI", "¡Sí!", "Sí, gracias", "si confirmo", "Confirmo", "confirmo la cita", "confirmada",
        "Claro que sí", "sí, ahí estaré", "Ahí estaré, gracias", "asistiré", "Sí voy", "por supuesto",
    ),
    "no": ("no, gracias", "No puedo ir", "hola, no puedo", "no voy", "no podré asistir"),
    "move": ("CAMBIAR", "Cambiar por favor", "quiero cambiar mi cita", "¿Otra hora?", "otro día por favor",
        "reprogramar mi cita"),
    "cancel": ("cancelar mi cita", "quiero cancelar la cita"),
    "cancel_what": ("CANCELAR", "cancelar por favor"),
    "stop": (
        "ALTO", "Baja", "BAJA.", "parar", "no me escriban más", "dejen de enviar mensajes",
        "no quiero recibir más mensajes", "quiero darme de baja",
    ),
    "help": ("AYUDA", "ayuda por favor", "información, gracias"),
    "person": ("LLAMAR", "llámenme por favor", "quiero hablar con alguien", "llámame"),
    "well": ("muy bien gracias", "estoy mejor", "BIEN"),
    "book": ("RESERVAR", "quiero una cita"),
    "wrong": ("número equivocado", "se equivocó de persona"),
    "emergency": ("tengo dolor en el pecho", "me duele el pecho", "no puedo respirar", "es una emergencia"),
    "self_harm": ("quiero morir",),
    "thanks": ("gracias", "Muchas gracias"),
    OTHER: (
        "sí, pero ¿puedo llegar más tarde?", "¿Dónde está la oficina y cuánto cuesta la cita?",
        "tengo otro doctor ahora", "si no puedo ir qué pasa", "¿puede ir mi hijo en mi lugar el viernes?",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("word", "text"), [(word, text) for word, texts in MEANT.items() for text in texts])
def test_what_is_meant(word: str, text: str) -> None:
    found = meaning(text)
    if word is OTHER:
        assert found not in ("yes", "stop", ""), found
    else:
        assert found == word


@pytest.mark.parametrize(
    "text",
    [
        "yes", "no", "ok", "1", "YES please", "move", "I need to cancel my appointment", "Call me", "see you then",
        "Laura Whitfield, March 3rd 1982", "wrong number", "stop", "", "???", "tuesday at nine", "no thanks, goodbye",
    ],
)  # fmt: skip
def test_english_is_not_taken_for_spanish(text: str) -> None:
    assert not is_spanish(text) and meaning(text) == ""


@pytest.mark.parametrize(
    ("text", "word"),
    [("no", "no"), ("ok", "ok"), ("1", "yes"), ("2", "move"), ("STOP", "stop"), ("yes", ""), ("MOVE", "")],
)
def test_words_of_both_languages_are_spanish_to_whom_we_wrote_in_spanish(text: str, word: str) -> None:
    assert meaning(text, expected=True) == word
