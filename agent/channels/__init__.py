"""Channels: ways to hold a conversation with the session core."""
