"""Webhooks (docs/webhooks.md): signing, the task that delivers, and for receivers `verify`.

from accepted.webhooks import verify

event = verify(secret, request.headers, body)      # raises SignatureInvalid
"""

from accepted.errors import SignatureInvalid
from accepted.webhooks.signing import verify

__all__ = ["SignatureInvalid", "verify"]
