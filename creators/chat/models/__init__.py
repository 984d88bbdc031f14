"""What is said in shows, and how it is kept civil."""

from creators.chat.models.messages import (
    Badge,
    Message,
    MessageState,
    PinnedLine,
    Question,
    Vote,
)
from creators.chat.models.moderation import (
    Action,
    Appeal,
    AppealState,
    ChatRules,
    Filter,
    FilterEffect,
    FilterKind,
    Moderator,
    Sanction,
    SanctionKind,
)

__all__ = [
    "Action",
    "Appeal",
    "AppealState",
    "Badge",
    "ChatRules",
    "Filter",
    "FilterEffect",
    "FilterKind",
    "Message",
    "MessageState",
    "Moderator",
    "PinnedLine",
    "Question",
    "Sanction",
    "SanctionKind",
    "Vote",
]
