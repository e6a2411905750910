"""An insurance card from the bytes of a photo: checked, recognised, read.

Whoever shows a picture to the agent, or uploads one with a form, has it read by this; what is read is only ever
proposed.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.cards.pictures import picture
from agent.cards.reading import Card, read_card
from agent.cards.tesseract import recogniser
from agent.cards.words import TextRecogniser


class CardReader:
    """Reads cards. ``payers``: names of companies known here, besides the large ones that it knows."""

    def __init__(self, words: TextRecogniser | None = None, payers: Sequence[str] = ()):
        self._words, self._payers = words or recogniser(), tuple(payers)

    async def read(self, data: bytes) -> Card:
        """What the card says, as far as it can be read; an empty one where it is no card.

        Raises :class:`~agent.cards.pictures.BadPicture` for a file that is not taken, and
        :class:`~agent.cards.words.NotRead` where nothing could be read of a good one.
        """
        picture(data)
        return read_card(await self._words.words(data), self._payers)
