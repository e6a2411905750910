"""Connectors: what every one has, and a module for each kind of EHR interface (``fhir``, …).

A kind is a module with ``SETTINGS``, ``CLEAR``, ``parse`` and ``make`` (:class:`~fhirserver.app.connectors.kind.Kind`),
and its name in :data:`fhirserver.app.connectors.registry.KINDS`.
"""
