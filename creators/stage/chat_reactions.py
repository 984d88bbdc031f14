"""What browsers are told of the chat and of how it is kept; as in `reactions.py`."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Q
from redis import RedisError

from creators.chat.events import (
    AppealChanged,
    ChatDeleted,
    ChatHeld,
    ChatPosted,
    ChatRestored,
    LinePinned,
    ModeratorActed,
    ModeratorsChanged,
    QuestionChanged,
    RulesChanged,
    SanctionChanged,
)
from creators.chat.kept import standings
from creators.chat.models import Action, Appeal, Message, MessageState, Question, Sanction
from creators.chat.moderation.actions import ActionKind
from creators.chat.standing import read_rules
from creators.live.models import LiveSession, ShowState
from creators.stage import chat_cards, mods_state, publishing, wire
from creators.stage.rooms import live_room, mods_room, own_room

# So long after its end pages of a show may still be open, and are told.
OPEN_AFTER_END: Final = timedelta(days=1)

# --- Lines ------------------------------------------------------------------------------------


@publishing.or_renew(live_room)
def chat_posted(fact: ChatPosted) -> None:
    """Tell a whole batch at once, by one message to the room."""
    publishing.publish(
        live_room(fact.piece_id),
        [wire.Chat(line=line) for line in chat_cards.posted_lines(fact.message_ids)],
    )


@publishing.or_renew(mods_room)
def chat_held(fact: ChatHeld) -> None:
    """Tell the moderators; what others never see, its author hears of from nobody else."""
    lines = chat_cards.with_people(Message.objects.filter(pk__in=fact.message_ids)).order_by("pk")
    cards = chat_cards.held_cards(lines)
    publishing.publish(mods_room(fact.piece_id), [wire.Held(held=card) for card in cards])
    for card, line in zip(cards, lines, strict=True):
        # Of a line that waits for the first time its author's own socket tells.
        if card.state == "rejected" or (card.state == "withheld" and card.rev > 0):
            judged = wire.Judged(id=card.id, rev=card.rev, state=card.state)
            publishing.publish(own_room(line.author_id), [judged])


@publishing.or_renew(live_room)
def chat_deleted(fact: ChatDeleted) -> None:
    """Take a line off the pages; one that they never had is not spoken of."""
    rev = (
        Message.objects.filter(pk=fact.message_id, state=MessageState.SHOWN)
        .values_list("rev", flat=True)
        .first()
    )
    if rev is not None:
        publishing.publish(
            live_room(fact.piece_id), [wire.ChatDeleted(id=fact.message_id, rev=rev)]
        )


@publishing.or_renew(live_room)
def chat_restored(fact: ChatRestored) -> None:
    publishing.publish(
        live_room(fact.piece_id),
        [wire.Chat(line=line) for line in chat_cards.lines([fact.message_id])],
    )


@publishing.or_renew(live_room)
def line_pinned(fact: LinePinned) -> None:
    rev, line = chat_cards.pinned_line(fact.piece_id)
    publishing.publish(live_room(fact.piece_id), [wire.ChatPinned(rev=rev, line=line)])


@publishing.or_renew(live_room)
def question_changed(fact: QuestionChanged) -> None:
    question = Question.objects.select_related("author").get(pk=fact.question_id)
    publishing.publish(
        live_room(fact.piece_id), [wire.Question(question=chat_cards.question_card(question))]
    )


# --- How it is kept ---------------------------------------------------------------------------


@publishing.or_renew(live_room)
def rules_changed(fact: RulesChanged) -> None:
    """Tell the rules to all in the show, or in every show that goes with its creator's."""
    for piece_id in _judge_anew(fact.creator_id, fact.piece_id):
        rules = read_rules(piece_id=piece_id, creator_id=fact.creator_id)
        publishing.publish(
            live_room(piece_id),
            [wire.ChatRules(rev=rules.rev, rules=chat_cards.rules_card(rules))],
        )


def moderators_changed(fact: ModeratorsChanged) -> None:
    _judge_anew(fact.creator_id, fact.piece_id)


def sanction_changed(fact: SanctionChanged) -> None:
    """Tell the sanctioned user and the moderators; it is nobody else's business."""
    sanction = Sanction.objects.select_related("user", "appeal").get(pk=fact.sanction_id)
    event = wire.Sanction(sanction=mods_state.sanction_card(sanction))
    publishing.publish(own_room(fact.user_id), [event])
    for piece_id in _judge_anew(fact.creator_id, fact.piece_id):
        publishing.publish(mods_room(piece_id), [event])


def moderator_acted(fact: ModeratorActed) -> None:
    action = Action.objects.select_related("by", "subject", "message").get(pk=fact.action_id)
    event = wire.Action(action=mods_state.action_card(action))
    for piece_id in _pieces(fact.creator_id, fact.piece_id):
        publishing.publish(mods_room(piece_id), [event])
        if action.kind == ActionKind.IMPORT:
            # It may be thousands of bans: who moderates gets a fresh state instead of each.
            with suppress(RedisError):
                publishing.renew(mods_room(piece_id))


def appeal_changed(fact: AppealChanged) -> None:
    appeal = Appeal.objects.select_related("sanction__user").get(pk=fact.appeal_id)
    event = wire.Appeal(appeal=mods_state.appeal_card(appeal))
    for piece_id in _pieces(fact.creator_id, fact.piece_id):
        publishing.publish(mods_room(piece_id), [event])


def _pieces(creator_id: int, piece_id: int | None) -> Sequence[int]:
    """List the shows that something concerns: one, or all of a creator's that are not long over."""
    if piece_id is not None:
        return [piece_id]
    return list(
        LiveSession.objects.filter(piece__creator_id=creator_id)
        .filter(
            Q(state__in=[ShowState.SCHEDULED, ShowState.LIVE])
            | Q(ended_at__gt=datetime.now(UTC) - OPEN_AFTER_END)
        )
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def _judge_anew(creator_id: int, piece_id: int | None) -> Sequence[int]:
    """Have all processes ask again where everybody stands, and close who may not stay."""
    pieces = _pieces(creator_id, piece_id)
    for pk in pieces:
        standings.forget(pk)
        publishing.control({"kind": "standing", "piece_id": pk})
    return pieces
