"""Readers of the files in which big code systems are published. Each kind is an :class:`terminology.imports.kind.Import`."""
