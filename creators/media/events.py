"""Facts of streams."""

from shops.facts.publishing import Fact


class PictureFact(Fact, frozen=True):
    """`run` is the publisher's number in its stream: a higher one is newer."""

    stream_id: str
    creator_id: int
    run: int


class PictureStarted(PictureFact, frozen=True):
    """The first picture of a run can be watched."""


class PictureLost(PictureFact, frozen=True):
    """Its publisher went, on purpose or not."""


class PublisherRefused(Fact, frozen=True):
    """A publisher was refused or cut off; `code` is the refusal's."""

    stream_id: str
    creator_id: int
    code: str
