"""Facts of the checkout room."""

from shops.facts.publishing import Fact


class CartChanged(Fact, frozen=True):
    """`room` is the hub room of the owner's own tabs."""

    room: str
    version: int
    units: int


class GuestLinkAsked(Fact, frozen=True):
    """Somebody without an account wants to be mailed a link to go on with."""

    link_id: str
