"""Picture messages: fetched from a server of Twilio's media protocol, kept, read, and asked about in words."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from fhir_stand_in import StandIn
from practice import EVE, practice
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from agent.call import Call
from agent.chat.card_pictures import CardPictures
from agent.memory import Setting
from agent.telephony.incoming import Incoming
from agent.telephony.media_files import MediaFiles, NotFetched
from agent.telephony.pictured import Pictured
from agent.telephony.settings import TelephonySettings
from agent.telephony.text_webhook import TextWebhook
from agent.telephony.texting import Texting, TextLine
from agent.tools.client import FhirClient
from tests.insurance_cards import drawn
from tests.server_process import free_port

ACCOUNT, SECRET, OURS = "AC" + "0" * 32, "secret", "+15555550100"
CARD = drawn(12, "tilted")


class Media:
    """Twilio's media: lets in who has the account's secret; ``asked`` are the authorizations that came."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.base = ""

    async def get(self, request: Request) -> Response:
        self.asked.append(request.headers.get("authorization", ""))
        name = request.path_params["name"]
        if not self.asked[-1].startswith("Basic "):
            return Response(status_code=401)
        if name == "ME1":
            return Response(CARD.png, media_type="image/png")
        if name == "elsewhere":
            return RedirectResponse("https://evil.example/picture")
        if name == "loop":
            return RedirectResponse(str(request.url))
        if name == "huge":
            return StreamingResponse(bytes(1_000_000) for _ in range(20))
        return Response(status_code=404)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/{{name}}"
        port = free_port()
        config = uvicorn.Config(
            Starlette(routes=[Route(path, self.get)]), port=port, lifespan="off", log_level="error"
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await task


def settings(base: str) -> TelephonySettings:
    return TelephonySettings(SECRET, "https://v.example", ACCOUNT, api_url=base)


def url(name: str) -> str:
    return f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/{name}"


async def test_a_picture_is_fetched_with_the_account_s_secret() -> None:
    media = Media()
    async with media.serving() as base:
        assert await MediaFiles(settings(base)).fetch(url("ME1")) == CARD.png
    assert media.asked and media.asked[0].startswith("Basic ")


@pytest.mark.parametrize("name", ["elsewhere", "loop", "huge", "none"])
async def test_what_is_elsewhere_or_too_large_is_not_fetched(name: str) -> None:
    async with Media().serving() as base:
        with pytest.raises(NotFetched) as caught:
            await MediaFiles(settings(base)).fetch(url(name))
    assert "http" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/x",
        "https://evil.example/x",
        "https://api.twilio.com.evil.example/x",
        "file:///etc",
    ],
)
async def test_no_address_but_twilio_s_is_asked(address: str) -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError("it was asked")

    with pytest.raises(NotFetched, match="not Twilio's"):
        await MediaFiles(settings("https://api.twilio.com"), httpx.MockTransport(never)).fetch(address)


async def test_the_secret_goes_to_nobody_else() -> None:
    seen: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers.get("authorization", "")))
        if request.url.host == "api.twilio.com":
            return httpx.Response(307, headers={"Location": "https://mms.twiliocdn.com/a"})
        return httpx.Response(200, content=b"picture")

    files = MediaFiles(settings("https://api.twilio.com"), httpx.MockTransport(answer))
    assert await files.fetch(url("ME1")) == b"picture"
    assert seen[0][1] and seen[1] == ("mms.twiliocdn.com", "")


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
async def test_a_card_by_picture_message_becomes_a_claim() -> None:
    server: StandIn = practice()
    client = FhirClient("http://server/fhir", "t", server.transport)
    async with Media().serving() as base:

        async def converse(incoming: Incoming, line: TextLine) -> None:
            call = Call(client, line, incoming.caller, Setting(written=True), medium="WRITTEN")
            line.look = Pictured(call, incoming.id, MediaFiles(settings(base)), CardPictures()).look
            await call.run()

        texting = Texting(settings(base), converse, None)  # type: ignore[arg-type]
        texting._settings = TelephonySettings(
            SECRET, "https://v.example", ACCOUNT, api_url=base, sms_within=60
        )
        webhook = TextWebhook(texting)

        async def message(id: str, text: str, **more: str) -> str:
            form = {"MessageSid": id, "From": EVE, "To": OURS, "Body": text, "NumMedia": "0", **more}
            return await webhook.sms(form, None)  # type: ignore[arg-type]

        await message("MM0", "I have new insurance")
        await message("MM2", "Eve Bradtke 3/3/1982")
        picture = {"NumMedia": "1", "MediaUrl0": url("ME1"), "MediaContentType0": "image/png"}
        answer = await message("MM1", "", **picture)
        assert f"member ID {CARD.printed.member}" in answer
        assert "recorded" in await message("MM3", "yes")
        gone = {"NumMedia": "1", "MediaUrl0": url("none"), "MediaContentType0": "image/png"}
        assert "read that picture" in await message("MM4", "", **gone)
        await texting.close()
    await client.close()
    (coverage,) = [one for one in server.of("Coverage") if one.get("subscriberId")]
    assert coverage["subscriberId"] == CARD.printed.member
    (document,) = [
        one for one in server.of("DocumentReference") if "Sent by the patient" in str(one.get("type"))
    ]
    assert document["content"][0]["attachment"]["contentType"] == "image/png"
