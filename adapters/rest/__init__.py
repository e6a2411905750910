"""The adapter for EHRs with a REST API of their own: a mapping file says how each is spoken to."""
