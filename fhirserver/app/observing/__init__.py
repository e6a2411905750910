"""What an operator sees of the server from outside: logs, figures, traces, health (docs/observability.md)."""
