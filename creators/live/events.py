"""Facts of live shows; `rev` is the session's, a higher one is newer."""

from shops.facts.publishing import Fact


class ShowFact(Fact, frozen=True):
    piece_id: int
    creator_id: int
    rev: int


class ShowScheduled(ShowFact, frozen=True):
    pass


class ShowChanged(ShowFact, frozen=True):
    """Its title, picture, time or who may watch it."""


class ShowStarted(ShowFact, frozen=True):
    pass


class ShowEnded(ShowFact, frozen=True):
    pass


class ShowCancelled(ShowFact, frozen=True):
    pass


class RehearsalStarted(ShowFact, frozen=True):
    """Nobody is told but who is there: it is no show."""


class RehearsalEnded(ShowFact, frozen=True):
    """What came of it is to be erased."""


class BagChanged(ShowFact, frozen=True):
    pass


class ProductPinned(ShowFact, frozen=True):
    pin_id: int
    product_id: int


class ProductUnpinned(ShowFact, frozen=True):
    pin_id: int
    product_id: int
