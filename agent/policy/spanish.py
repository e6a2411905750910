"""What somebody means who answers a message in Spanish. Pure: words in, one meaning out.

Only short answers are understood as what they say; everything else in Spanish is :data:`OTHER`, and is a person's to
answer.
"""

from __future__ import annotations

import re
import unicodedata

OTHER = "other"
_SPANISH = re.compile(
    r"\b(?:"
    r"si|hola|gracias|buenos|buenas|cita|citas|confirmo|confirmar|confirmada|confirmado|"
    r"cambiar|cambio|cambiarla|cambiarlo|reservar|quiero|quisiera|necesito|puedo|puede|"
    r"pueden|podria|favor|claro|estare|asistire|ire|ahi|alli|llamar|llamen|llamenme|"
    r"llameme|llamame|llamada|bien|mejor|manana|tarde|hora|fecha|dia|lunes|martes|"
    r"miercoles|jueves|viernes|sabado|domingo|pero|tengo|soy|estoy|voy|ayuda|baja|"
    r"alto|parar|pare|paren|detener|numero|equivocado|equivoco|podre|asistir|llegar|"
    r"ningun|mensajes|dejen|dejar|envien|manden|escriban|espanol|vale|acuerdo|muy|"
    r"cancelar|cancelo|cancelen|cancela|otra|otro|dolor|duele|pecho|respirar|emergencia|"
    r"urgencia|morir|suicidarme|matarme|persona|hablar|seguro|supuesto|correcto|iniciar|"
    r"medico|doctora|porque|cuando|donde|usted|ustedes|mas"
    r")\b"
)
_ENGLISH = re.compile(
    r"\b(?:"
    r"yes|yeah|the|my|i|i'm|you|your|appointment|please|cancel|move|change|what|"
    r"when|call|stop|this|that|is|it|to|need|want|can|can't|thanks|thank|"
    r"help|confirm|reschedule|book|not|don't|are|with|will|be|there"
    r")\b"
)
_EITHER = re.compile(
    r"\b(?:"
    r"no|ok|okay|oki|1|2|3|stop|info|help|bueno|perfecto"
    r")\b"
)
"""Words that are Spanish to whom we wrote in Spanish."""

_BEGIN, _END = r"^(?:hola )?", r"(?: (?:muchas )?gracias| por favor)*$"
_MEANINGS: tuple[tuple[str, str], ...] = (
    (
        "self_harm",
        r"\bsuicid\w*|\b(?:quiero|quisiera) morir|\bmatarme\b|\bquitarme la vida\b|\bhacerme dano\b",
    ),
    (
        "emergency",
        r"\bdolor(?:es)? (?:\w+ )?(?:de|en el) pecho|\bduele (?:mucho )?el pecho|\bno puedo respirar\b|\binfarto\b"
        r"|\bataque al corazon\b|\bderrame\b|\bsobredosis\b|\bconvulsion\w*|\bdesangr\w*|(?<!no es una )(?<!no es )"
        r"\bemergencia\b",
    ),
    (
        "stop",
        rf"{_BEGIN}(?:alto|baja|parar|pare|paren|detener|stop){_END}"
        r"|\b(?:no (?:me |nos )?(?:envien|manden|escriban|llamen|contacten)|dejen de (?:enviar|mandar|escribir|llamar))"
        r"|\bno (?:quiero|deseo) (?:recibir )?(?:mas |sus )?(?:mensajes|llamadas)|\b(?:dar\w*|denme|deme) de baja\b"
        r"|\bborr\w+ mi numero\b",
    ),
    ("help", rf"{_BEGIN}(?:ayuda|info|informacion|help){_END}"),
    ("wrong", r"\bnumero equivocado\b|\bse equivoc\w+|\bno (?:soy|conozco a) (?!el|la)\w+"),
    ("cancel_what", rf"{_BEGIN}(?:cancelar|cancelo|cancela|cancelen|3){_END}"),
    ("cancel", r"\bcancel\w+ (?:mi|la|esa|esta|una) (?:cita|visita|consulta)\b"),
    (
        "move",
        r"\bcambi\w+|\bmover\w*|\botr[ao] (?:hora|fecha|dia|cita)\b|\breprogram\w+|\bposponer|\baplazar|^2$",
    ),
    ("book", r"\breserv\w+|\bnueva cita\b|\b(?:quiero|quisiera|necesito) (?:una|hacer una|sacar una) cita\b"),
    ("no", r"^(?:hola )?no\b|\bno (?:puedo|podre|voy|ire|asistire|estare)\b"),
    ("person", r"\bllam\w+|\bhablar con\b|\buna persona\b"),
    (
        "yes",
        rf"{_BEGIN}(?:(?:si|claro|claro que si|confirmo|confirmar|confirmad[oa]|correcto|por supuesto|1)"
        r"(?: (?:si|claro|confirmo|confirmad[oa]|(?:ahi|alli) estare|estare (?:ahi|alli)|asistire|ire|voy|"
        rf"puedo(?: ir)?|la confirmo|mi cita|la cita))*|(?:ahi|alli) estare|asistire|ire){_END}",
    ),
    ("well", rf"{_BEGIN}(?:(?:me siento|estoy|todo) )?(?:muy )?(?:bien|mejor){_END}"),
    ("ok", rf"{_BEGIN}(?:ok|okay|oki|vale|de acuerdo|bueno|esta bien|perfecto){_END}"),
    ("thanks", r"^(?:muchas )?gracias$"),
    ("visit", r"^(?:(?:mi|la) )?cita$"),
)
_COMPILED = tuple((word, re.compile(pattern)) for word, pattern in _MEANINGS)


def plain_spanish(text: str) -> str:
    """``¡Sí, ahí estaré!`` → ``si ahi estare``."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() or c == "'" else " " for c in bare).split())


def is_spanish(text: str, expected: bool = False) -> bool:
    """Whether it is written in Spanish; ``expected``: it answers what we wrote in Spanish."""
    said = plain_spanish(text)
    spanish = len(_SPANISH.findall(said))
    english = len(_ENGLISH.findall(_EITHER.sub("", said)))
    return spanish > english or (expected and not english and bool(_EITHER.search(said)))


def meaning(text: str, expected: bool = False) -> str:
    """What is meant; empty for what is not Spanish, :data:`OTHER` for what only a person can answer."""
    if not is_spanish(text, expected):
        return ""
    said = plain_spanish(text)
    if len(said.split()) > 4 and "?" in text and not _danger(said):
        return OTHER
    return next((word for word, pattern in _COMPILED if pattern.search(said)), OTHER)


def _danger(said: str) -> bool:
    return any(pattern.search(said) for word, pattern in _COMPILED[:2])
