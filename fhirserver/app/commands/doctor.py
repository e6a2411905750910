"""``credence doctor``: is the configuration sound, and does what it names answer?"""

from __future__ import annotations

import asyncio

from fhirserver.app.commands.options import parser, settings
from fhirserver.app.connectors.connector import Connector
from fhirserver.app.connectors.secrets import MissingSecret, Secrets
from fhirserver.app.settings import Settings
from fhirserver.interactions.exchange import Context
from fhirserver.kernel.instants import SystemClock
from fhirserver.store.generation import OLD_INDEX, index_is_current
from fhirserver.world.judge.agreement import RULES


def run(arguments: list[str]) -> int:
    """Check and say what to do about what is wrong. Exit 1 where something is."""
    chosen = settings(parser("doctor", "Check the configuration and what it names.").parse_args(arguments))
    print(f"settings: {len(chosen.sources)} sources, {len(chosen.principals)} principals")
    return asyncio.run(_check(chosen))


async def _check(chosen: Settings) -> int:
    from fhirserver.app.wiring import make_context, make_store

    store = make_store(chosen)
    await store.open()
    head = await store.storage.head()
    print(f"storage: {chosen.storage}, {head.position} commits, {head.serial} resources")
    current = await index_is_current(store.storage)
    print("index: " + ("as this version makes it" if current else OLD_INDEX))
    failed = int(not current)
    for connector in chosen.connectors:
        failed += await _check_connector(connector, make_context(chosen, store), chosen.secrets)
    await store.close()
    return 1 if failed + await _check_model(chosen) else 0


async def _check_connector(connector: Connector, context: Context, secrets: Secrets) -> int:
    """1 where it cannot be begun, or its EHR does not answer."""
    from fhirserver.app.connectors.making import make_adapter

    try:
        made = make_adapter(connector, context, secrets)
    except MissingSecret as missing:
        print(f"connector {connector.name}: {missing}")
        return 1
    if made.ehr is None:
        print(f"connector {connector.name}: is only listened to")
        return 0
    health = await made.ehr.health()
    await made.ehr.close()
    word = "answers" if health.reachable else f"does not answer ({health.problem}): check its url and token"
    print(f"connector {connector.name}: {word}")
    return int(not health.reachable)


async def _check_model(chosen: Settings) -> int:
    """1 where the language model of the settings does not answer; nothing where none is asked."""
    checks = chosen.verification
    if checks.agreement == RULES:
        print("judge: rules")
        return 0
    from adapters.openai.models import model_state
    from fhirserver.app.wiring import model_settings

    good, words = await model_state(model_settings(checks), SystemClock().now().date())
    print(f"judge: rules and {checks.model}, agreement '{checks.agreement}'; the model {words}")
    return 0 if good else 1
