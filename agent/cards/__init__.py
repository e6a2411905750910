"""Insurance cards read from pictures: checks, recognition of text, and the fields of a card with confidences."""
