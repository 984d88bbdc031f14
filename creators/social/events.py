"""Facts of the social room."""

from shops.facts.publishing import Fact


class Followed(Fact, frozen=True):
    creator_id: int
    user_id: int


class Unfollowed(Fact, frozen=True):
    creator_id: int
    user_id: int
