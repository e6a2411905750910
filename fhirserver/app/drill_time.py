"""What is for drills on this machine alone: a clock that is not the machine's, words in the place of sound.

Whoever could be reached from elsewhere, or could reach a person, would act at times that are none, and make noises.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from fhirserver.app.settings import Settings
from fhirserver.kernel import wall


def drill_problem(settings: Settings) -> str:
    """Why these settings may not be used here, or not with the clock of the environment; empty where they may."""
    phone = settings.telephony
    if phone and settings.speech.is_written and not is_here(urlsplit(phone.api_url).hostname or ""):
        return (
            "[speech] providers 'written' is for drills with a telephone on this machine: "
            "name another provider, or a loopback address as [telephony] api_url"
        )
    if wall.PROBLEM:
        return wall.PROBLEM
    if wall.WALL.is_real:
        return ""
    for name, host in _reached(settings):
        if not is_here(host):
            return (
                f"{wall.VARIABLE} is for drills on this machine, and {name} is not of this machine: "
                "unset the variable, or name a loopback address"
            )
    if settings.connectors:
        return (
            f"{wall.VARIABLE} is for drills without connectors: unset the variable, or take [[connector]] out"
        )
    return ""


def is_here(host: str) -> bool:
    """Whether a host is this very machine by its loopback."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reached(settings: Settings) -> list[tuple[str, str]]:
    """The hosts at which it listens and that it asks, with the settings that name them."""
    reached = [("[server] host", settings.host)]
    if settings.telephony is not None:
        phone = settings.telephony
        reached += [
            ("[voice] host", settings.voice.host),
            ("[telephony] public_url", urlsplit(phone.public_url).hostname or ""),
            ("[telephony] api_url", urlsplit(phone.api_url).hostname or ""),
        ]
    return reached
