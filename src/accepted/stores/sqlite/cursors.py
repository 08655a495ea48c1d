"""A listing's cursor: the number of the job to go on below, in a form that invites nobody to count."""

from __future__ import annotations

import base64
import binascii
import struct

from accepted.errors import BadRequest


def encode(n: int) -> str:
    return base64.urlsafe_b64encode(struct.pack(">Q", n)).decode().rstrip("=")


def decode(cursor: str) -> int:
    """Raises BadRequest when it is not one of ours."""
    try:
        (n,) = struct.unpack(">Q", base64.b64decode(cursor + "=", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, struct.error) as error:
        raise BadRequest("The cursor is not one of this list; begin again without it.") from error
    return min(int(n), 2**63 - 1)
