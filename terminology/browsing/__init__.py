"""Looking around in terminology, for people: :class:`fhirserver.ports.terminology_browsing.Browsing`."""
