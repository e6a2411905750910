"""The kind ``hl7v2``: HL7 version 2 messages over MLLP (:mod:`adapters.hl7v2`)."""

from __future__ import annotations

import ipaddress
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.hl7v2.charset import codec_of
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.convert.site_file import SiteError, load_site
from adapters.hl7v2.ingest.again import Again
from adapters.hl7v2.ingest.dead_letters import DeadLetters
from adapters.hl7v2.ingest.world import Feed, WorldIngest
from adapters.hl7v2.intake.backlog import Backlog
from adapters.hl7v2.intake.ingest import Ingest
from adapters.hl7v2.intake.keeping import KeepingIngest
from adapters.hl7v2.intake.reception import Reading, Reception
from adapters.hl7v2.mllp.assistant import Assistant
from adapters.hl7v2.mllp.client import MllpClient, Peer
from adapters.hl7v2.mllp.doorway import Doorway
from adapters.hl7v2.mllp.limits import Limits, Network
from adapters.hl7v2.mllp.server import Listener
from adapters.hl7v2.mllp.service import Service
from adapters.hl7v2.mllp.sharing import Sharing
from adapters.hl7v2.mllp.tls import InvalidTls, client_context, server_context
from adapters.hl7v2.outbound.ehr import Hl7Ehr
from adapters.hl7v2.outbound.profile import Profile, ProfileError, load_profile
from adapters.hl7v2.outbound.reader import WorldReader
from adapters.runner.code_maps import Coder
from fhirserver.app.connectors.coding import make_coder
from fhirserver.app.connectors.kind import Made, Making
from fhirserver.app.setting_kinds import WrongSetting, kinds, required
from fhirserver.store.store import Store

if TYPE_CHECKING:
    from fhirserver.app.connectors.connector import Connector

SETTINGS = kinds(
    "listen tls_certificate tls_key tls_client_ca charset site send profile send_tls_ca answer",
    "allow processing_ids",
    "message_seconds idle_seconds answer_seconds",
    "message_bytes connections connections_per_peer",
    "reuse_control_ids remarks record_only",
)
CLEAR = frozenset(("tls_certificate", "tls_key", "tls_client_ca", "site", "send", "profile", "send_tls_ca"))
_MOST_PORT = 65535
_PLAIN = Site()


@dataclass(frozen=True, slots=True)
class Hl7v2Connector:
    """Where messages are listened for, from whom, and how they are read."""

    host: str
    port: int
    limits: Limits = field(default_factory=Limits)
    tls: ssl.SSLContext | None = None
    encoding: str = "utf-8"
    reuse_control_ids: bool = False
    processing_ids: frozenset[str] = frozenset()
    remarks: bool = False
    record_only: bool = False
    stores: bool = False
    site: Site = _PLAIN
    receiver: Peer | None = None
    profile: Profile = field(default_factory=Profile)


def parse(entry: Mapping[str, Any], where: str, folder: Path) -> Hl7v2Connector:
    """See :meth:`fhirserver.app.connectors.kind.Kind.parse`."""
    required(entry, "listen")
    host, port = _address(entry["listen"])
    tls = _tls(entry, folder)
    limits = _limits(entry)
    if not _is_local(host) and not limits.allowed and not entry.get("tls_client_ca"):
        raise WrongSetting(
            "listen",
            "listen: an address that others can reach needs 'allow', the networks that may connect, "
            'or tls_client_ca; allow = ["0.0.0.0/0", "::/0"] is for everybody',
        )
    return Hl7v2Connector(
        host,
        port,
        limits,
        tls,
        _encoding(entry.get("charset", "UNICODE UTF-8")),
        entry.get("reuse_control_ids", False),
        frozenset(entry.get("processing_ids", ())),
        entry.get("remarks", False),
        entry.get("record_only", False),
        _stores(entry),
        _site(entry, folder),
        _receiver(entry, folder),
        _profile(entry, folder),
    )


def make(own: Hl7v2Connector, making: Making) -> Made:
    """See :meth:`fhirserver.app.connectors.kind.Kind.make`."""
    connector, store = making.connector, making.context.store
    reception = make_reception(connector, store, making.heard, make_coder(connector, making.context))
    sharing = None
    if (mates := making.mates) is not None:
        place = Doorway(mates.folder, connector.name)
        sharing = Sharing(connector.name, place, connector.version, mates.rank, making.heard, own.stores)
    listener = Listener(connector.name, reception, own.host, own.port, own.limits, own.tls, sharing)
    again = Again(store, connector.name, reception)
    backlog = Backlog(store, connector.name, connector.source, reception, own.stores)
    return Made(_ehr(own, making), {"listen": listener.run, "again": again.run, "backlog": backlog.run})


def assist(own: Hl7v2Connector, making: Making) -> Assistant:
    """See :class:`fhirserver.app.connectors.making.Assists`."""
    connector, mates = making.connector, making.mates
    assert mates is not None
    tally: Counter[str] = Counter()

    def heard(taken: bool) -> None:
        tally["taken" if taken else "refused"] += 1

    context = making.context
    reception = make_reception(connector, context.store, heard, make_coder(connector, context))
    service = Service(connector.name, reception, own.limits, own.tls)
    place = Doorway(mates.folder, connector.name)
    return Assistant(service, place, connector.version, mates.rank, tally)


def make_reception(
    connector: Connector,
    store: Store,
    heard: Callable[[bool], None] = lambda taken: None,
    coder: Coder | None = None,
) -> Reception:
    """What takes in the messages of a connector of this kind, as its listener does."""
    own: Hl7v2Connector = connector.own
    name, source = connector.name, connector.source
    reading = Reading(
        name, source, own.encoding, own.reuse_control_ids, own.processing_ids, own.remarks, own.stores
    )
    pushed = frozenset(connector.push_types) if own.receiver and connector.push else frozenset()
    feed = Feed(name, source, pushed, own.profile.authority if pushed else "")
    world = WorldIngest(store, feed, coder=coder)
    ingest: Ingest = KeepingIngest(store, source) if own.record_only else world
    return Reception(reading, store, ingest, own.site, letters=DeadLetters(store, name), heard=heard)


def _ehr(own: Hl7v2Connector, making: Making) -> Hl7Ehr | None:
    """The receiver of what is written back; None for a connector that is only listened to."""
    if own.receiver is None:
        return None
    context, source = making.context, making.connector.source
    reader = WorldReader(context.store, context.policy, source)
    return Hl7Ehr(MllpClient(own.receiver), own.profile, reader, own.site)


def _receiver(entry: Mapping[str, Any], folder: Path) -> Peer | None:
    if "send" not in entry:
        if given := [name for name in ("profile", "send_tls_ca", "answer_seconds") if name in entry]:
            raise WrongSetting(given[0], f"{given[0]} is for a connector with 'send'")
        return None
    host, port = _address(entry["send"], "send")
    ca = entry.get("send_tls_ca", "")
    try:
        tls = client_context(folder / ca) if ca else None
    except InvalidTls as error:
        raise WrongSetting("send_tls_ca", str(error)) from None
    seconds = float(entry.get("answer_seconds", Peer(host, port).answer_seconds))
    if seconds <= 0:
        raise WrongSetting("answer_seconds", "answer_seconds is more than 0")
    return Peer(host, port, tls, answer_seconds=seconds)


def _profile(entry: Mapping[str, Any], folder: Path) -> Profile:
    if "profile" not in entry:
        return Profile()
    try:
        return load_profile(folder / entry["profile"])
    except OSError as error:
        raise WrongSetting("profile", f"profile: the file cannot be read ({type(error).__name__})") from None
    except ProfileError as error:
        raise WrongSetting("profile", str(error)) from None


def _address(text: str, setting: str = "listen") -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= _MOST_PORT:
        raise WrongSetting(setting, f'{setting} is an address and a port, such as "127.0.0.1:2575"')
    return host, int(port)


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback


def _tls(entry: Mapping[str, Any], folder: Path) -> ssl.SSLContext | None:
    certificate, key, ca = (entry.get(name, "") for name in ("tls_certificate", "tls_key", "tls_client_ca"))
    if not certificate:
        if key or ca:
            raise WrongSetting("tls_certificate", "tls_certificate is needed where another tls_… is set")
        return None
    try:
        return server_context(
            folder / certificate, folder / (key or certificate), folder / ca if ca else None
        )
    except InvalidTls as error:
        raise WrongSetting("tls_certificate", str(error)) from None


def _site(entry: Mapping[str, Any], folder: Path) -> Site:
    if "site" not in entry:
        return _PLAIN
    try:
        return load_site(folder / entry["site"])
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting("site", f"site: the file cannot be read ({type(error).__name__})") from None
    except SiteError as error:
        raise WrongSetting("site", str(error)) from None


def _limits(entry: Mapping[str, Any]) -> Limits:
    whole = ("message_bytes", "connections", "connections_per_peer")
    seconds = ("message_seconds", "idle_seconds")
    given: dict[str, Any] = {name: entry[name] for name in whole if name in entry}
    given |= {name: float(entry[name]) for name in seconds if name in entry}
    for name, value in given.items():
        if value <= 0:
            raise WrongSetting(name, f"{name} is more than 0")
    allowed = tuple(_network(text) for text in entry.get("allow", ()))
    return replace(Limits(), **given, allowed=allowed)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise WrongSetting("allow", 'allow holds networks such as "10.1.0.0/16" or "10.1.2.3"') from None


def _stores(entry: Mapping[str, Any]) -> bool:
    answer = entry.get("answer", "taken in")
    if answer not in ("taken in", "stored"):
        raise WrongSetting("answer", 'answer says when messages are answered: "taken in" or "stored"')
    return bool(answer == "stored")


def _encoding(charset: str) -> str:
    codec = codec_of(charset)
    if codec is None:
        raise WrongSetting("charset", 'charset is one of HL7 table 0211, such as "8859/1" or "UNICODE UTF-8"')
    return codec
