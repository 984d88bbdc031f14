"""What becomes of a show's chat as a whole."""

from django.db import transaction

from creators.chat.models import (
    Action,
    ChatRules,
    Message,
    Moderator,
    PinnedLine,
    Question,
    Sanction,
)


@transaction.atomic
def erase(*, piece_id: int) -> None:
    """Delete what was said in a piece and how it was kept: it was a rehearsal."""
    for kept in (Action, PinnedLine, Question, Message, Sanction, Moderator, ChatRules):
        kept._default_manager.filter(piece_id=piece_id).delete()
