"""Facts of the scores."""

from shops.facts.publishing import Fact


class ScoresChanged(Fact):
    creator_id: int
    snapshot_id: int
