"""Readers of the files in which big code systems are published: each is an ``Import`` (:mod:`.kind`)."""
