"""What the host and the moderators of a show see: sanctions, waiting lines, the log, appeals."""

from datetime import datetime
from typing import Final, Literal, cast

from creators.chat.models import Action, Appeal, AppealState, Sanction
from creators.chat.moderation import presentation, queries, undoing
from creators.chat.moderation.actions import ActionKind
from creators.chat.moderation.authority import place_of
from creators.stage import chat_cards, wire
from creators.stage.times import ms, ms_or_none

ACTIONS: Final = 50


def sanction_card(sanction: Sanction) -> wire.SanctionCard:
    """Show a sanction; it was read with its user, and its appeal if it has one."""
    appeal = getattr(sanction, "appeal", None)
    return wire.SanctionCard(
        id=sanction.pk,
        rev=sanction.rev,
        kind=cast('Literal["mute", "ban"]', str(sanction.kind)),
        scope="creator" if sanction.piece_id is None else "show",
        piece_id=sanction.piece_id,
        creator_id=sanction.creator_id,
        user_id=sanction.user_id,
        name=sanction.user.display_name,
        reason=sanction.reason,
        at=ms(sanction.at),
        until=ms_or_none(sanction.until),
        lifted=sanction.lifted_at is not None,
        appeal=""
        if appeal is None
        else cast('Literal["open", "granted", "denied"]', str(appeal.state)),
    )


def action_card(action: Action) -> wire.ActionCard:
    """Show what was done; it was read with who did it, to whom, and its line."""
    return wire.ActionCard(
        id=action.pk,
        rev=1 if action.undone_at is None else 2,
        kind=action.kind,
        by=action.by.display_name,
        subject="" if action.subject is None else action.subject.display_name,
        text=" ".join(
            part
            for part in (str(ActionKind(action.kind).label), presentation.in_words(action))
            if part
        ),
        reason=action.reason,
        at=ms(action.at),
        undone=action.undone_at is not None,
        can_undo=undoing.can_undo(action),
    )


def appeal_card(appeal: Appeal) -> wire.AppealCard:
    """Show an appeal; it was read with its sanction's user."""
    return wire.AppealCard(
        id=appeal.pk,
        rev=appeal.rev,
        sanction_id=appeal.sanction_id,
        name=appeal.sanction.user.display_name,
        text=appeal.text,
        at=ms(appeal.at),
        state=cast('Literal["open", "granted", "denied"]', str(appeal.state or AppealState.OPEN)),
        answer=appeal.answer,
    )


def mods_state(piece_id: int, *, now: datetime) -> wire.ModsState:
    """Read what the moderators' room of a show is told.

    :raises NotFound: there is no such show
    """
    place = place_of(piece_id)
    return wire.ModsState(
        sanctions=[sanction_card(one) for one in queries.open_sanctions(place=place, now=now)],
        held=chat_cards.waiting(piece_id),
        actions=[action_card(one) for one in reversed(queries.log_of(place, limit=ACTIONS))],
        appeals=[appeal_card(one) for one in queries.open_appeals(place)],
    )
