"""The agent as data: what a document may change of it, what it comes to, and how it gets into a conversation."""
