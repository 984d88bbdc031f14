"""Facts of the scores."""

from shops.facts.publishing import Fact


class ScoresChanged(Fact, frozen=True):
    creator_id: int
    snapshot_id: int
