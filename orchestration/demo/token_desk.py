"""The demo account's key and the tokens made from it.

Here: which key gets a token, which tokens count. Not here: HTTP (server.py).
"""

import base64
import json
import secrets
import time
from typing import Any


class TokenDesk:
    """Trades the key for tokens and knows which still count."""

    def __init__(self, *, endpoint: str, key_id: str, key_secret: str, life_seconds: float) -> None:
        self.endpoint, self.key_id, self.key_secret = endpoint, key_id, key_secret
        self._life_seconds = life_seconds
        self._ends: dict[str, float] = {}

    def issue(self, *, key_id: object, key_secret: object) -> dict[str, Any] | None:
        """What `apiKeyUser` answers; None for a wrong key."""
        if key_id != self.key_id or not isinstance(key_secret, str):
            return None
        if not secrets.compare_digest(key_secret.encode(), self.key_secret.encode()):
            return None
        end = time.time() + self._life_seconds
        # Looks like a JWT, so that its `aud` and `exp` can be read; what counts is that we remember it.
        claims = {"aud": [self.endpoint], "exp": int(end)}
        jwt = ".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "none"}, claims))
        jwt += f".{secrets.token_urlsafe(24)}"
        self._ends[jwt] = end
        return {"jwt": jwt, "validUntil": int(end)}

    def accepts(self, authorization: str) -> bool:
        """Whether the header carries a token of ours that has not ended."""
        scheme, _, token = authorization.partition(" ")
        return scheme == "Bearer" and self._ends.get(token, 0.0) > time.time()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
