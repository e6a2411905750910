"""``/platform``: the API by which a practice is set up, watched and worked with.

Everything that is FHIR stays FHIR: what is answered here links to resources and does not copy them.
"""
