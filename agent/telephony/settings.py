"""What the telephone needs to know; read from ``[telephony]`` by whoever wires it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time


@dataclass(frozen=True, slots=True)
class TelephonySettings:
    """One number at Twilio. Seconds as numbers; telephone numbers in E.164.

    ``public_url`` is where Twilio reaches this server (``https://voice.clinic.example``): signatures are over exactly
    that address. ``transfers`` maps the beginning of a reason of transfer to the number that takes it.
    """

    auth_token: str = field(repr=False)
    public_url: str
    account_sid: str = ""
    number: str = ""
    api_url: str = "https://api.twilio.com"
    transfer_number: str = ""
    transfers: Mapping[str, str] = field(default_factory=dict)
    ring_seconds: float = 20.0
    """How long a transfer rings before the caller is told that nobody can be reached."""
    unanswered: str = (
        "I am sorry, nobody can take your call right now. "
        "We will call you back at the number you are calling from."
    )
    failed: str = "I am sorry, we cannot take your call right now. Please call again in a few minutes."
    language: str = "en-US"
    recording: bool = False
    notice: str = "This call is recorded."
    """Said first, in the agent's own voice, where calls are recorded."""
    answer_within: float = 1.0
    """How long a call rings at most so that its greeting can be made."""
    start_within: float = 10.0
    """How long a websocket may take from its opening to the start of its stream."""
    stalled_after: float = 30.0
    """Seconds without any message after which a stream is given up; Twilio sends fifty a second."""
    stream_within: float = 15.0
    """How long the media stream may take to begin once the call is answered; its token lives as long."""
    most_calls: int = 50
    """Calls at once; the next one is handed to ``transfer_number``, or hears that the line is busy."""
    most_seconds: int = 3600
    """How long a call may last."""
    voicemail: str = ""
    """What a call out says to an answering machine; empty: it hangs up. Nothing about the patient belongs here."""
    call_hours: tuple[time, time] = (time(9), time(20))
    """Between which times of the practice's day calls out may be placed; the same time twice: always."""
    call_any_number: bool = False
    """Whether calls out may go to numbers that are not on the patient's record."""
    sms_idle: float = 1800.0
    """Seconds without a message after which a conversation by text is over."""
    sms_within: float = 8.0
    """How long a webhook of a text message waits for the reply, which goes by the REST API when it takes longer."""

    @property
    def base(self) -> str:
        return self.public_url.rstrip("/")

    @property
    def socket_base(self) -> str:
        """The same address for websockets."""
        return "ws" + self.base.removeprefix("http")

    def target(self, reason: str) -> str:
        """The number that takes a transfer for this reason; empty where nobody does."""
        words = reason.casefold()
        for start, number in self.transfers.items():
            if words.startswith(start.casefold()):
                return number
        return self.transfer_number
