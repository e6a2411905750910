"""``credence voice``: the process that answers the telephone."""

from __future__ import annotations

import sys

from fhirserver.app.commands.options import parser, settings
from fhirserver.app.observing.logs import configure
from fhirserver.app.observing.traces import Traces
from fhirserver.app.setting_kinds import WrongSetting


def run(arguments: list[str]) -> int:
    """Answer calls until it is stopped. Needs [telephony], and a server that is reached by [voice] fhir_url."""
    options = parser("voice", "Answer the telephone: Twilio's webhooks and media streams.")
    given = options.parse_args(arguments)
    chosen = settings(given)
    if chosen.telephony is None:
        print("credence voice: [telephony] is not set; docs/voice.md says what it needs", file=sys.stderr)
        return 2
    configure(chosen.log, "voice")
    from fhirserver.app.settled import SettledServer
    from fhirserver.app.uvicorn_config import SafeConfig
    from fhirserver.app.voice.application import make_voice_application

    try:
        application = make_voice_application(chosen)
        traces = Traces(chosen.traces, "voice")
    except WrongSetting as wrong:
        table = "traces" if wrong.setting == "endpoint" else "voice"
        print(f"credence voice: [{table}] {wrong}", file=sys.stderr)
        return 2
    config = SafeConfig(
        chosen,
        application,
        clients=False,
        host=chosen.voice.host,
        port=chosen.voice.port,
        timeout_graceful_shutdown=15,
    )
    with traces:
        SettledServer(config).run()  # looking through all that was imported is a pause that callers hear
    return 0
