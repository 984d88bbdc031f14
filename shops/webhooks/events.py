"""Facts of the webhooks room."""

from shops.facts.publishing import Fact


class TokensRevoked(Fact, frozen=True):
    """A user has a new password, and so these tokens of theirs have ended."""

    user_id: int
    token_ids: list[int]
