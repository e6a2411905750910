"""The audit: what is noted of every access and decision, the trail it is kept in, and the AuditEvents made from it."""
