"""Facts of live shows; `rev` is the session's, a higher one is newer."""

from shops.facts.publishing import Fact


class ShowFact(Fact):
    piece_id: int
    creator_id: int
    rev: int


class ShowScheduled(ShowFact):
    pass


class ShowStarted(ShowFact):
    pass


class ShowEnded(ShowFact):
    pass


class ShowCancelled(ShowFact):
    pass


class BagChanged(ShowFact):
    pass


class ProductPinned(ShowFact):
    pin_id: int
    product_id: int


class ProductUnpinned(ShowFact):
    pin_id: int
    product_id: int
