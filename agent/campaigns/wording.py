"""The words of what goes out by text: the script's, else the purpose's own. Nothing in them tells of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.campaigns.claims import language_of
from agent.campaigns.decision import Facts, Go
from agent.campaigns.definition import Campaign
from agent.campaigns.needs import to_come
from fhirserver.kernel.instants import comparable, parse_instant
from fhirserver.kernel.json import JsonObject

if TYPE_CHECKING:
    from agent.campaigns.engine import Practice

_STOP = {"en": "Reply STOP to get no more messages.", "es": "Responda STOP para no recibir más mensajes."}
STANDARD: dict[str, dict[str, str]] = {
    "en": {
        "confirm": "{practice}: you have an appointment on {date} at {time}. Reply YES to confirm, or MOVE for "
        "another time.",
        "reschedule": "{practice}: we need to move an appointment. Reply MOVE to find another time, or call us.",
        "insurance": "{practice}: we need your current insurance. Reply OK to give it here, or call us.",
        "call_back": "{practice}: we tried to reach you. Reply here, or call us.",
        "follow_up": "{practice}: how are you after your visit? Reply GOOD, or CALL ME and a person will call you.",
        "rebook": "{practice}: we missed you at your appointment. Reply BOOK to find a new time.",
        "missing": "{practice}: some details are missing in our records. Reply OK to give them here, or call us.",
        "form": "{practice}: please fill in this form before your visit: {link}",
        "custom": "{practice}: please reply here, or call us.",
    },
    "es": {
        "confirm": "{practice}: tiene una cita el {date} a las {time}. Responda SI para confirmar o CAMBIAR para "
        "otra hora.",
        "reschedule": "{practice}: tenemos que cambiar una cita. Responda CAMBIAR o llámenos.",
        "insurance": "{practice}: necesitamos su seguro médico actual. Llámenos, por favor.",
        "call_back": "{practice}: intentamos comunicarnos con usted. Responda aquí o llámenos.",
        "follow_up": "{practice}: ¿cómo está después de su visita? Responda BIEN, o LLAMAR y le llamaremos.",
        "rebook": "{practice}: no pudo venir a su cita. Responda RESERVAR para una nueva hora.",
        "missing": "{practice}: faltan algunos datos en su expediente. Llámenos, por favor.",
        "form": "{practice}: por favor complete este formulario antes de su visita: {link}",
        "custom": "{practice}: responda aquí o llámenos, por favor.",
    },
}
_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
_MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "es": [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
}


def opening_words(campaign: Campaign, go: Go, facts: Facts, practice: Practice) -> str:
    """The text of the first message; empty for a call, whose words are the dialogue's. ``{link}`` is left for whoever
    makes the link."""
    if go.channel == "call":
        return ""
    language = language_of(facts.patient or {})
    tongue = language.partition("-")[0] if language.partition("-")[0] in STANDARD else "en"
    if go.channel == "chat" and tongue == "en" and not campaign.words("chat", language):
        return ""  # the dialogue has words of its own
    kind = "form" if go.channel == "form" else campaign.purpose
    text = campaign.words(go.channel, language) or STANDARD[tongue][kind]
    day, at = spoken_time(appointment_in(facts), practice.zone, tongue)
    said = text.replace("{practice}", practice.name).replace("{date}", day).replace("{time}", at)
    return f"{said} {_STOP[tongue]}" if go.channel != "chat" and "STOP" not in said else said


def appointment_in(facts: Facts) -> JsonObject:
    """The first appointment to come that it is about, else the first that took place or was missed; empty for none."""
    about = [a for a in facts.about if a.get("resourceType") == "Appointment" and a.get("start")]
    held = [a for a in about if a.get("status") not in ("cancelled", "entered-in-error")]
    return min(
        [a for a in held if to_come(a, facts.now)] or held,
        key=lambda one: comparable(str(one["start"])),
        default={},
    )


def spoken_time(appointment: JsonObject, zone: str, language: str) -> tuple[str, str]:
    """``("Thursday, November 26", "2:30 PM")`` in the practice's zone: where the visit is."""
    if not appointment.get("start"):
        return "", ""
    at = parse_instant(str(appointment["start"])).astimezone(ZoneInfo(zone))
    day, month = _DAYS[language][at.weekday()], _MONTHS[language][at.month - 1]
    if language == "es":
        return f"{day} {at.day} de {month}", f"{at:%H:%M}"
    return f"{day}, {month} {at.day}", f"{at.hour % 12 or 12}:{at:%M} {'AM' if at.hour < 12 else 'PM'}"
