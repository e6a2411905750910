"""OpenAI's speech held to what every provider is held to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from agent.audio.frames import RATE, Pcm
from agent.speech.openai.recogniser import OpenAiRecogniser
from agent.speech.openai.settings import OpenAiSpeech
from agent.speech.openai.speech_to_speech import OpenAiSpeechToSpeech
from agent.speech.openai.synthesiser import OpenAiSynthesiser
from tests.contracts.speech_contract import RecogniserContract, SynthesiserContract
from tests.openai_server import OpenAiServer


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAiServer]:
    with OpenAiServer() as server:
        yield server


@pytest.fixture
def settings(running: OpenAiServer, said: str) -> OpenAiSpeech:
    running.forget()
    running.realtime(otherwise=said)
    return OpenAiSpeech("a-key", running.url, connect_seconds=10, finish_seconds=10, first_sound_seconds=10)


@pytest.fixture
def said() -> str:
    return "yes"


@pytest.fixture
def spoken() -> Pcm:
    """A sound; what it says is for the server to tell."""
    return (6_000 * np.sin(np.arange(RATE) * 2 * np.pi * 300 / RATE)).astype(np.int16)


class TestRecogniser(RecogniserContract):
    @pytest.fixture
    async def recogniser(self, settings: OpenAiSpeech) -> AsyncIterator[OpenAiRecogniser]:
        made = OpenAiRecogniser(settings)
        yield made
        await made.close()


class TestSynthesiser(SynthesiserContract):
    @pytest.fixture
    async def synthesiser(self, settings: OpenAiSpeech) -> AsyncIterator[OpenAiSynthesiser]:
        made = OpenAiSynthesiser(settings)
        yield made
        await made.close()


class TestSpeechToSpeech(RecogniserContract, SynthesiserContract):
    @pytest.fixture
    async def recogniser(self, settings: OpenAiSpeech) -> AsyncIterator[OpenAiSpeechToSpeech]:
        made = OpenAiSpeechToSpeech(settings)
        yield made
        await made.close()

    @pytest.fixture
    def synthesiser(self, recogniser: OpenAiSpeechToSpeech) -> OpenAiSpeechToSpeech:
        return recogniser
