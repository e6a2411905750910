"""MongoDB storage: one database per tenant. See ``docs/storage.md``."""
