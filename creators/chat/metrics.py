"""The chat's figures for Prometheus, of this process alone."""

from typing import Final

from prometheus_client import Histogram

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200)

_lines = Histogram(
    "liveshop_chat_batch_lines", "Chat lines that one transaction was for.", buckets=_SIZES
)
_seconds = Histogram(
    "liveshop_chat_batch_seconds", "How long such a transaction took.", buckets=_SECONDS
)


def batch(*, lines: int, seconds: float) -> None:
    """Count a batch of chat lines that PostgreSQL has taken."""
    _lines.observe(lines)
    _seconds.observe(seconds)
