"""Facts of the chat room."""

from shops.facts.publishing import Fact


class ChatPosted(Fact, frozen=True):
    message_id: int
    piece_id: int
    author_id: int


class ChatDeleted(Fact, frozen=True):
    message_id: int
    piece_id: int
    by_id: int


class UserMuted(Fact, frozen=True):
    """`until` is an ISO 8601 instant."""

    mute_id: int
    piece_id: int
    user_id: int
    until: str


class UserUnmuted(Fact, frozen=True):
    mute_id: int
    piece_id: int
    user_id: int
