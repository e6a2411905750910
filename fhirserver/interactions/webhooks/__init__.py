"""Webhooks: who is sent which events, and how that went. What sends them is in ``subscriptions.webhooks``."""
