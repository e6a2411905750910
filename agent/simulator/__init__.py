"""Twilio's side of calls, simulated: a carrier, its media streams, and callers who follow a script.

Speaks Twilio's protocol over real sockets and in real time, from a process of its own; knows nothing of
:mod:`agent.telephony`, so that what the two agree on is the protocol alone.
"""
