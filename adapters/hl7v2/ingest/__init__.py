"""Converted HL7v2 messages become statements about the world: identity, absence, order, merges, evidence.

See docs/hl7v2-world.md.
"""
