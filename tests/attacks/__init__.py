"""Attacks on a running server, each of which must be refused, or reveal nothing, and be in the audit trail.

``world`` is who attacks whom, ``wire`` how requests go out byte by byte, ``trail`` compares the audit trail before and
after. The cases on other patients' data are made from the table of search parameters (``ways``).
"""
