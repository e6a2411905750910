"""Forms: what is missing of a patient is found, asked for by a link, and what they answer is claimed."""
