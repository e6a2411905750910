"""Campaigns: reaching out to many patients first, each as often and at such hours as is right, and nobody twice.

State is FHIR and nothing else: what is decided is decided from resources, so whatever dies, the next process goes on.
"""
