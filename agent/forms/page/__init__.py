"""The page on which a patient fills in a form."""
