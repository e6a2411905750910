"""At which numbers a patient is reached, the best first."""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.world.spoken.identifiers import phone_key

_USES = {
    "call": ("mobile", "home", "work", ""),
    "sms": ("mobile", "", "home"),
}
"""Lines of the house are last tried by message; those of work never."""


def numbers_for(patient: JsonObject, channel: str) -> tuple[str, ...]:
    """In E.164, without those that are old; by ``rank``, then by use."""
    uses = _USES["call" if channel == "call" else "sms"]
    found = []
    for telecom in patient.get("telecom", ()):
        use = str(telecom.get("use", ""))
        system = telecom.get("system")
        if system not in ("phone", "sms") or (system == "sms" and channel == "call") or use not in uses:
            continue
        number = e164(str(telecom.get("value", "")))
        if number:
            found.append((int(telecom.get("rank") or 99), uses.index(use), number))
    return tuple(dict.fromkeys(number for *_, number in sorted(found)))


def e164(text: str) -> str:
    """``(412) 555-0177`` → ``+14125550177``; empty for what is no number."""
    digits = "".join(c for c in text if c.isdigit())
    if text.strip().startswith("+"):
        return f"+{digits}" if 7 <= len(digits) <= 15 and digits[0] != "0" else ""
    key = "".join(c for c in phone_key(text) if c.isdigit())
    if len(key) == 10:
        return f"+1{key}"
    return f"+{key}" if len(key) == 11 and key[0] == "1" else ""
