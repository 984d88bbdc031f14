"""The secret that both sides know, and the key that callers of the sandbox authenticate with."""

import hashlib
import hmac
from typing import Final

# For trials and tests on one machine; production refuses to start without a secret of its own.
TRIAL_SECRET: Final = "whsec_bGl2ZXNob3AtZGVtby1hbmQtdGVzdC1vbmx5ISEhIQ=="  # noqa: S105


def api_key(secret: str) -> str:
    """Derive the bearer token; the webhook secret itself never travels."""
    return "sk_" + hmac.new(secret.encode(), b"liveshop sandbox api", hashlib.sha256).hexdigest()
