"""email: a mail to the address of a `mailto:` endpoint, by the SMTP server of the settings.

The text says which subscription has news and where to ask for them, and nothing of the news themselves. The
notification is attached only where the subscription asks for that (`text/plain;attach=application/fhir+json`, or a FHIR
media type as in R4) and the settings allow it: mail is not a secure channel.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#email
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import html
import logging
import ssl
from collections.abc import Collection
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

import aiosmtplib

from fhirserver.kernel.instants import Clock, SystemClock
from subscriptions.channels.channel import Delivery, Target, Undeliverable
from subscriptions.channels.form import in_form
from subscriptions.channels.guarded import certificate_fault
from subscriptions.channels.mail_address import address_of, is_within

log = logging.getLogger("credence.mail")

Tls: TypeAlias = Literal["starttls", "tls", "none"]
FHIR_MEDIA: Final = ("application/fhir+json", "application/fhir+xml")
_AT_ONCE: Final = 10
_FAREWELL_SECONDS: Final = 1.0
_OURS_TO_MEND: Final = (454, 530, 534, 535, 538)
"""Answers about our own password, which somebody may put right."""


@dataclass(frozen=True, slots=True)
class Smtp:
    """The server that takes our mail. ``attachments``: whether notifications may be attached. ``domains``: whose
    addresses may be written to, all without any."""

    host: str
    port: int = 587
    tls: Tls = "starttls"
    sender: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    attachments: bool = False
    domains: Collection[str] = ()

    def context(self) -> ssl.SSLContext | None:
        """How the server's certificate is checked; None without TLS."""
        if self.tls == "none":
            return None
        context = ssl.create_default_context()
        if self.ca_file is not None:
            context.load_verify_locations(self.ca_file)
        return context


class Mail:
    """Delivers by SMTP. That the server took a mail does not mean that anybody has read it."""

    def __init__(self, smtp: Smtp, base_url: str, clock: Clock | None = None):
        self._smtp, self._base, self._clock = smtp, base_url, clock or SystemClock()
        self._context = smtp.context()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def refusal(self, target: Target) -> str | None:
        try:
            address = address_of(target.endpoint)
            wanted = attachment_of(target.content_type)
        except ValueError as error:
            return str(error)
        if not is_within(address, self._smtp.domains):
            return "the settings allow no mail to addresses of this domain"
        if target.headers:
            return "an email subscription has no headers"
        if wanted and not self._smtp.attachments:
            return "the settings allow no attachments: ask for text/plain"
        return None

    def discloses(self, target: Target) -> bool:
        return bool(attachment_of(target.content_type))

    async def deliver(self, delivery: Delivery) -> None:
        why = self.refusal(delivery.target)
        if why is not None:
            raise Undeliverable(why, retryable=False, unsent=True)
        mail = self._mail(delivery)
        async with self._turns:
            try:
                async with asyncio.timeout(delivery.target.timeout):
                    await self._send(mail, delivery.target.timeout)
            except (TimeoutError, aiosmtplib.SMTPTimeoutError):
                text = f"the mail server did not answer within {delivery.target.timeout:g} seconds"
                raise Undeliverable(text, retryable=True) from None
            except (aiosmtplib.SMTPException, OSError) as error:
                raise _undeliverable(error) from None

    async def close(self) -> None:
        """Nothing is kept: every mail has a connection of its own."""

    async def _send(self, mail: EmailMessage, seconds: float) -> None:
        smtp = self._smtp
        client = aiosmtplib.SMTP(
            hostname=smtp.host,
            port=smtp.port,
            timeout=seconds,
            use_tls=smtp.tls == "tls",
            start_tls=smtp.tls == "starttls",
            tls_context=self._context,
        )
        try:
            await client.connect()
            if smtp.user:
                await client.login(smtp.user, smtp.password)
            await client.send_message(mail)
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):  # the mail has been taken
                await client.quit(timeout=_FAREWELL_SECONDS)
        finally:
            client.close()

    def _mail(self, delivery: Delivery) -> EmailMessage:
        target = delivery.target
        mail = EmailMessage()
        mail["From"], mail["To"] = self._smtp.sender, address_of(target.endpoint)
        mail["Subject"] = f"Notification of subscription {target.subscription}"
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = self._message_id(delivery)
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Credence-Subscription"] = target.subscription
        mail["X-Credence-Event-Number"] = str(delivery.number)
        mail["X-Credence-Notification-Type"] = delivery.kind
        text = self._text(delivery)
        if target.content_type.startswith("text/html"):
            mail.set_content(f"<p>{html.escape(text)}</p>", subtype="html")
        else:
            mail.set_content(text)
        media = attachment_of(target.content_type)
        if media and delivery.body:
            main, _, sub = media.partition("/")
            name = f"notification-{delivery.number}.{sub.rpartition('+')[2]}"
            mail.add_attachment(in_form(delivery.body, media), maintype=main, subtype=sub, filename=name)
        return mail

    def _message_id(self, delivery: Delivery) -> str:
        """The same for every attempt, so that a mail that came twice is seen to be one."""
        digest = hashlib.sha256(delivery.key.encode()).hexdigest()[:40]
        return f"<{digest}@{self._smtp.sender.rpartition('@')[2] or 'credence'}>"

    def _text(self, delivery: Delivery) -> str:
        subscription = delivery.target.subscription
        where = f"{self._base}/Subscription/{subscription}"
        if delivery.kind == "handshake":
            return f"Notifications of the subscription {where} will be sent to this address.\n"
        if delivery.kind == "heartbeat":
            return f"The subscription {where} is at work. Its last event has the number {delivery.number}.\n"
        return (
            f"There is news for the subscription {where}: the event number {delivery.number}. What it is can be read"
            f" at {where}/$events?eventsSinceNumber={delivery.number}\n"
        )


def attachment_of(content_type: str) -> str:
    """The media type of the attachment that `channel.payload` asks for, or "". Raises ValueError for what cannot be.

    The engine renders the notification in this type.
    """
    media, *options = [part.strip() for part in content_type.lower().split(";")]
    if media in FHIR_MEDIA:
        return media
    if media not in ("", "text/plain", "text/html"):
        raise ValueError(
            "the payload of an email is text/plain or text/html, or a FHIR media type to be attached"
        )
    found = ""
    for name, _, value in (option.partition("=") for option in options):
        if name.strip() == "attach":
            found = value.strip().strip('"')
    if found and found not in FHIR_MEDIA:
        raise ValueError("what is attached is application/fhir+json or application/fhir+xml")
    return found


def _undeliverable(error: aiosmtplib.SMTPException | OSError) -> Undeliverable:
    certificate = certificate_fault(error)
    if certificate is not None:
        text = f"the mail server's certificate is not accepted: {certificate}"
        log.warning("%s", text)
        return Undeliverable(text, retryable=True, unsent=True)
    if not isinstance(error, aiosmtplib.SMTPException):
        return Undeliverable("the mail server cannot be reached", retryable=True)
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        text = "the mail server does not offer what the settings ask for: STARTTLS or a login"
        return Undeliverable(text, retryable=True)
    code = _code(error)
    if code is None:
        return Undeliverable("the conversation with the mail server broke", retryable=True)
    lasting = 500 <= code < 600 and code not in _OURS_TO_MEND
    return Undeliverable(f"the mail server answered {code}", retryable=not lasting)


def _code(error: aiosmtplib.SMTPException) -> int | None:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        return int(error.recipients[0].code)
    return int(error.code) if isinstance(error, aiosmtplib.SMTPResponseException) else None
