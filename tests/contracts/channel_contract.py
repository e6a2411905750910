"""What every channel that sends must hold to, whatever it speaks.

A channel's test module subclasses `ChannelContract` and gives the fixtures `channel` and `other_side`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from abc import ABC, abstractmethod

import pytest

from subscriptions.channels.channel import Channel, Delivery, Target, Undeliverable

PHI = "Zebulon"
"""A name in every payload, which may stand in no message about a failure."""


class OtherSide(ABC):
    """The subscriber of a channel, in a process of its own."""

    @abstractmethod
    def delivery(self, number: int, **of_target: object) -> Delivery:
        """A delivery to it that it takes. Its body contains `PHI`."""

    @abstractmethod
    def got(self) -> list[int]:
        """The event numbers of what it took, in order, once for each time."""

    @abstractmethod
    def refuse_for_now(self) -> None:
        """From now on say that it cannot take anything at the moment."""

    @abstractmethod
    def refuse_for_good(self) -> None:
        """From now on say that it will never take it."""

    @abstractmethod
    def hang(self) -> None:
        """From now on take everything and answer nothing."""

    @abstractmethod
    def kill(self) -> None:
        """End at once."""

    @abstractmethod
    def start(self) -> None:
        """Come back at the same place after `kill`."""

    @abstractmethod
    def bad_targets(self) -> list[Target]:
        """Targets that can never be served."""


class ChannelContract:
    """Subclass it and give the fixtures `channel` and `other_side`."""

    async def test_what_was_delivered_has_arrived_in_order(
        self, channel: Channel, other_side: OtherSide
    ) -> None:
        for number in range(1, 6):
            await channel.deliver(other_side.delivery(number))
        assert other_side.got() == [1, 2, 3, 4, 5]

    async def test_a_refusal_for_now_may_be_tried_again(
        self, channel: Channel, other_side: OtherSide
    ) -> None:
        other_side.refuse_for_now()
        error = await self.failed(channel, other_side.delivery(1))
        assert error.retryable and not error.gone

    async def test_a_refusal_for_good_may_not(self, channel: Channel, other_side: OtherSide) -> None:
        other_side.refuse_for_good()
        assert not (await self.failed(channel, other_side.delivery(1))).retryable

    async def test_an_attempt_ends_in_time(self, channel: Channel, other_side: OtherSide) -> None:
        other_side.hang()
        began = time.monotonic()
        error = await self.failed(channel, other_side.delivery(1, timeout=0.4))
        assert error.retryable and 0.3 < time.monotonic() - began < 2.5

    async def test_one_that_hangs_holds_up_no_other(self, channel: Channel, other_side: OtherSide) -> None:
        other_side.hang()
        began = time.monotonic()
        await asyncio.gather(
            *(self.failed(channel, other_side.delivery(n, timeout=0.6)) for n in range(1, 31))
        )
        assert time.monotonic() - began < 4

    async def test_it_comes_back_with_the_other_side(self, channel: Channel, other_side: OtherSide) -> None:
        await channel.deliver(other_side.delivery(1))
        other_side.kill()
        assert (await self.failed(channel, other_side.delivery(2))).retryable
        other_side.start()
        await channel.deliver(other_side.delivery(2))
        assert other_side.got() == [1, 2]

    async def test_bad_targets_are_refused_before_and_at_delivery(
        self, channel: Channel, other_side: OtherSide
    ) -> None:
        good = other_side.delivery(1)
        assert channel.refusal(good.target) is None
        for bad in other_side.bad_targets():
            assert channel.refusal(bad), bad
            assert not (await self.failed(channel, dataclasses.replace(good, target=bad))).retryable
        assert other_side.got() == []

    async def failed(self, channel: Channel, delivery: Delivery) -> Undeliverable:
        """The error of an attempt, which says nothing of the payload and holds no secret."""
        with pytest.raises(Undeliverable) as caught:
            await channel.deliver(delivery)
        for text in (str(caught.value), repr(caught.value), caught.value.reason, repr(delivery)):
            assert PHI not in text
            assert not delivery.target.secret or delivery.target.secret.decode() not in text
        return caught.value
