"""Facts about users."""

from shops.facts.publishing import Fact


class SignedOut(Fact, frozen=True):
    """A user ended a session; `session_hash` is the SHA-256 of its key."""

    user_id: int
    session_hash: str
