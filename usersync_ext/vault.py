"""Keys for single purposes, derived from the app's secret key."""

import hashlib
import hmac

from .settings import Settings


def purpose_key(settings: Settings, purpose: str) -> bytes:
    """Return a 32-byte key for one purpose; the secret key cannot be found from it."""
    secret = settings.secret_keys[0].encode()
    return hmac.digest(secret, f"usersync:{purpose}".encode(), hashlib.sha256)
