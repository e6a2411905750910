"""Which free slots a brain may see, and in what order: deterministic rules, before any brain."""

from agent.scheduling.offering import Offer, admissible, offer
from agent.scheduling.wishes import Wish, window, wish

__all__ = ["Offer", "Wish", "admissible", "offer", "window", "wish"]
