"""Signatures by which a subscriber knows that a notification is ours and unchanged.

`X-Credence-Signature: t=<seconds since 1970>,v1=<hex>`, where `v1` is the HMAC-SHA256 of `<t>.<body>` under the
subscription's secret. A subscriber computes it over the body as it came, compares in constant time, and refuses what is
older than some minutes.

After the server's key was changed there are several `v1` for a while, the newest first: one of them must be right.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

HEADER = "X-Credence-Signature"


def signature(secrets: Sequence[bytes], body: bytes, at: int) -> str:
    """The value of the header for a body that is sent at a moment (seconds since 1970)."""
    sealed = (hmac.new(secret, b"%d." % at + body, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join((f"t={at}", *(f"v1={one}" for one in sealed)))
