"""Facts of the chat room."""

from shops.facts.publishing import Fact


class ChatPosted(Fact, frozen=True):
    """Lines of one show that may be seen now, in the order of their ids."""

    piece_id: int
    message_ids: list[int]


class ChatHeld(Fact, frozen=True):
    """Lines that wait for their time or for a moderator, or that were judged."""

    piece_id: int
    message_ids: list[int]


class ChatDeleted(Fact, frozen=True):
    message_id: int
    piece_id: int
    by_id: int


class ChatRestored(Fact, frozen=True):
    message_id: int
    piece_id: int
    by_id: int


class LinePinned(Fact, frozen=True):
    """Another line stands above the chat, or none."""

    piece_id: int
    rev: int


class QuestionChanged(Fact, frozen=True):
    """It was asked, voted for, answered, deleted or restored."""

    question_id: int
    piece_id: int


class RulesChanged(Fact, frozen=True):
    """`piece_id` is None for the rules that all shows of the creator begin with."""

    creator_id: int
    piece_id: int | None
    rev: int


class ModeratorsChanged(Fact, frozen=True):
    creator_id: int
    piece_id: int | None
    user_id: int


class SanctionChanged(Fact, frozen=True):
    """Somebody was muted or banned, for longer or no more."""

    sanction_id: int
    creator_id: int
    piece_id: int | None
    user_id: int


class ModeratorActed(Fact, frozen=True):
    """Something was done, or undone."""

    action_id: int
    creator_id: int
    piece_id: int | None


class AppealChanged(Fact, frozen=True):
    appeal_id: int
    sanction_id: int
    creator_id: int
    piece_id: int | None
