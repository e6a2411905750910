"""A town of telephones in one process: Twilio's API on one side, thousands of people on the other, at any pace."""
