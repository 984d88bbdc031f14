"""Facts of the feeds room."""

from shops.facts.publishing import Fact


class FeedImported(Fact):
    import_id: int
    shop_id: int
