"""People: the users, their sessions and the OpenID provider, put together from the settings."""

from __future__ import annotations

from fhirserver.access.browser_sessions import BrowserSessions
from fhirserver.access.identity import Identity
from fhirserver.access.passwords import PasswordRules
from fhirserver.access.upstream import Upstream
from fhirserver.access.users import Users
from fhirserver.app.late_records import LateRecords
from fhirserver.app.settings import Settings
from fhirserver.kernel.instants import SystemClock
from fhirserver.ports.storage import Storage


def make_identity(settings: Settings, storage: Storage) -> Identity:
    """All that knows people. To be closed."""
    records, clock, limits = LateRecords(storage), SystemClock(), settings.sign_in.limits
    users = make_users(settings, storage)
    return Identity(
        users,
        BrowserSessions(records, "console", clock, limits),
        BrowserSessions(records, "auth", clock, limits),
        settings.fhir_base.removesuffix("/fhir"),
        settings.sources,
        _upstream(settings, users, storage),
    )


def make_users(settings: Settings, storage: Storage) -> Users:
    """The users alone. Of the storage only the access records are used."""
    return Users(LateRecords(storage), PasswordRules(settings.sign_in.password_characters))


def _upstream(settings: Settings, users: Users, storage: Storage) -> Upstream | None:
    if settings.oidc is None:
        return None
    from adapters.openid.provider import OpenIdProvider, ProviderSettings

    chosen = settings.oidc
    provider = OpenIdProvider(
        ProviderSettings(chosen.issuer, chosen.client_id, chosen.secret, chosen.scope, chosen.ca_file)
    )
    rules = chosen.rules(settings.fhir_base)
    return Upstream(provider, rules, users, LateRecords(storage), SystemClock(), chosen.label)
