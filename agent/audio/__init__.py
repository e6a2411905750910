"""Telephone audio: formats, frames and files. Pure: no sockets, no clock."""
