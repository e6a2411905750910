"""The telephone by Twilio: webhooks, media streams, text messages, calls out."""
