"""The ways a notification leaves: rest-hook, websocket, email, message."""
