"""Conversations by text for apps of patients: the same session core as calls, over journals."""
