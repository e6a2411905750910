"""Transcripts of conversations, as the followers find them."""

from __future__ import annotations

from fhirserver.store.transcripts import KIND, TRANSCRIPT, conversation_of, transcript_of

__all__ = ["KIND", "TRANSCRIPT", "conversation_of", "transcript_of"]
