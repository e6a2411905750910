"""Code systems that were imported: the content lies on disk (``fhirserver.ports.releases``), not in memory."""
