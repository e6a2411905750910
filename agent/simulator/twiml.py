"""TwiML as Twilio reads it (https://www.twilio.com/docs/voice/twiml): the verbs this carrier knows. Pure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


class BadTwiml(ValueError):
    """Twilio would say that an application error has occurred; the message says why."""


@dataclass(frozen=True, slots=True)
class Stream:
    """``<Connect><Stream>``: sound in both directions until the server closes it; then ``action`` is asked."""

    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    action: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Play:
    url: str


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Dial:
    """Another person is rung; what came of it is told to ``action``."""

    number: str
    action: str = ""
    caller_id: str = ""
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


@dataclass(frozen=True, slots=True)
class Reject:
    reason: str = "rejected"


Verb: TypeAlias = Stream | Say | Play | Pause | Dial | Redirect | Hangup | Reject


def parse(text: str) -> list[Verb]:
    """The verbs in order. Raises :class:`BadTwiml`."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadTwiml("a document type is no TwiML")
    try:
        root = ET.fromstring(text)  # noqa: S314  (without a document type there are no entities)
    except ET.ParseError as error:
        raise BadTwiml(f"not XML: {error}") from None
    if root.tag != "Response":
        raise BadTwiml(f"<{root.tag}> is not <Response>")
    return [_verb(element) for element in root]


def _verb(element: ET.Element) -> Verb:
    text, get = (element.text or "").strip(), element.attrib.get
    if element.tag == "Connect":
        return _stream(element)
    if element.tag == "Dial":
        number = element.find("Number")
        to = (number.text or "").strip() if number is not None else text
        return Dial(to, get("action", ""), get("callerId", ""), float(get("timeout", "30")))
    simple: dict[str, Verb] = {
        "Say": Say(text),
        "Play": Play(text),
        "Redirect": Redirect(text),
        "Hangup": Hangup(),
        "Reject": Reject(get("reason", "rejected")),
    }
    if element.tag == "Pause":
        return Pause(float(get("length", "1")))
    if element.tag not in simple:
        raise BadTwiml(f"<{element.tag}> is not known here")
    return simple[element.tag]


def _stream(element: ET.Element) -> Stream:
    stream = element.find("Stream")
    if stream is None:
        raise BadTwiml("<Connect> without <Stream>")
    url = stream.attrib.get("url", "")
    if not url.startswith(("wss://", "ws://")) or "?" in url:
        raise BadTwiml("<Stream> needs the address of a websocket, without a query")
    parameters = {p.attrib.get("name", ""): p.attrib.get("value", "") for p in stream.findall("Parameter")}
    if sum(len(k) + len(v) for k, v in parameters.items()) > 500:
        raise BadTwiml("the parameters of <Stream> are longer than 500 characters")
    return Stream(url, parameters, element.attrib.get("action", ""))
