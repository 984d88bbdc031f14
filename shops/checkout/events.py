"""Facts of the checkout room."""

from shops.facts.publishing import Fact


class CartChanged(Fact, frozen=True):
    """`room` is the hub room of the owner's own tabs."""

    room: str
    version: int
    units: int
