"""Webhooks: events of the log, sent to the endpoints that the workspace has named."""
