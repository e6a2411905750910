"""What the documents of configuration must be: agents, scheduling rules, telephone numbers, chat services."""
