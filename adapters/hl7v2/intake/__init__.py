"""What becomes of a message that has arrived: its lane, its record, its effects, its acknowledgement."""
