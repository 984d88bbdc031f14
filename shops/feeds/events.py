"""Facts of the feeds room."""

from shops.facts.publishing import Fact


class FeedImported(Fact, frozen=True):
    import_id: int
    shop_id: int
