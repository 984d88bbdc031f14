"""Facts of the catalogue."""

from shops.facts.publishing import Fact


class ProductArchived(Fact, frozen=True):
    """A product is no longer sold."""

    product_id: int
    shop_id: int


class PriceChanged(Fact, frozen=True):
    """A SKU of a product costs something else."""

    product_id: int
    shop_id: int
