"""Facts of the catalogue."""

from shops.facts.publishing import Fact


class ProductArchived(Fact, frozen=True):
    """A product is no longer sold."""

    product_id: int
    shop_id: int
