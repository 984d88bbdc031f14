"""Undoing what a moderator did: each kind knows how, once, and refuses when it comes too late."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.chat import holding, pinning, questions
from creators.chat.events import ModeratorActed
from creators.chat.models import (
    Action,
    Appeal,
    ChatRules,
    Filter,
    Message,
    MessageState,
    PinnedLine,
    Sanction,
)
from creators.chat.moderation import blocklists, lines, moderators, rules, sanctions, screening
from creators.chat.moderation.actions import ActionKind
from creators.chat.moderation.authority import (
    TO_GOVERN,
    TO_JUDGE,
    TO_MODERATE,
    Place,
    Rank,
    is_moderator,
    lock,
    need_as_much_as,
    place_again,
)
from creators.chat.moderation.queries import holding as holding_sanctions
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused

_OF_THE_HOST: Final = frozenset(
    {
        ActionKind.ADD_FILTER,
        ActionKind.REMOVE_FILTER,
        ActionKind.ADD_MODERATOR,
        ActionKind.REMOVE_MODERATOR,
        ActionKind.IMPORT,
    }
)


class UndoneAlready(Refused):
    code = "undone_already"
    message = _("This is undone already.")


class TooLate(Refused):
    code = "too_late"
    message = _("It changed since: it can't be undone any more.")


def least_rank(action: Action) -> Rank:
    """Tell what somebody must be to undo this."""
    if action.kind in _OF_THE_HOST:
        return TO_GOVERN
    if action.kind in (ActionKind.GRANT, ActionKind.DENY):
        return TO_JUDGE
    if action.piece_id is not None:
        return TO_MODERATE
    return TO_GOVERN if action.kind == ActionKind.RULES else TO_JUDGE


@transaction.atomic
def undo(*, action_id: int, by: User, now: datetime) -> Action:
    """Make what somebody did as if it had not been done.

    :raises NotFound: there is no such action
    :raises NotAllowed: `by` may not do such things there, or somebody above them did it
    :raises UndoneAlready: it is undone
    :raises TooLate: what it changed has changed since
    """
    where = Action.objects.filter(pk=action_id).values_list("creator_id", "piece_id").first()
    if where is None:
        raise NotFound
    place = place_again(creator_id=where[0], piece_id=where[1])
    lock(place)
    action = Action.objects.select_related("by").get(pk=action_id)
    need_as_much_as(by, action.by, place, least_rank(action))
    undone = Action.objects.filter(pk=action_id, undone_at=None).update(undone_at=now, undone_by=by)
    if not undone:
        raise UndoneAlready
    _UNDO[ActionKind(action.kind)](action, place, by, now)
    publish(
        ModeratorActed(action_id=action.pk, creator_id=place.creator_id, piece_id=place.piece_id)
    )
    action.refresh_from_db()
    return action


def can_undo(action: Action) -> bool:
    """Tell whether this may still be undone, as far as its row knows."""
    return action.undone_at is None


# --- Each kind --------------------------------------------------------------------------------


def _line(action: Action, *, deleted_at: str | None) -> Message:
    """Find a line that is deleted, or not, as the action left it."""
    message = Message.objects.select_for_update().filter(pk=action.message_id or 0).first()
    if message is None:
        raise TooLate
    at = None if message.deleted_at is None else message.deleted_at.isoformat()
    if at != deleted_at:
        raise TooLate
    return message


def _delete(action: Action, place: Place, by: User, now: datetime) -> None:
    lines.put_back(_line(action, deleted_at=action.before["at"]), by=by)


def _restore(action: Action, place: Place, by: User, now: datetime) -> None:
    deleted_by = User.objects.filter(pk=action.before["by"]).first() or by
    line = _line(action, deleted_at=None)
    lines.take_out(line, by=deleted_by, now=datetime.fromisoformat(action.before["at"]))


def _show(action: Action, place: Place, by: User, now: datetime) -> None:
    """It was seen: it can only be taken out again."""
    lines.take_out(_line(action, deleted_at=None), by=by, now=now)


def _reject(action: Action, place: Place, by: User, now: datetime) -> None:
    try:
        holding.take_back_rejection(message_id=action.message_id or 0, now=now)
    except holding.JudgedAlready as error:
        raise TooLate from error


def _pin(action: Action, place: Place, by: User, now: datetime) -> None:
    """Have the line stand there that stood there before, or none."""
    pinned = PinnedLine.objects.filter(piece_id=place.piece_id or 0).first()
    there = action.message_id if action.kind == ActionKind.PIN else None
    if pinned is None or place.piece_id is None or pinned.message_id != there:
        raise TooLate
    before = action.before["message"]
    if before is not None:
        line = Message.objects.filter(pk=before, deleted_at=None, state=MessageState.SHOWN)
        if not line.exists():
            raise TooLate
    pinning.put(piece_id=place.piece_id, message_id=before, by=by, now=now)


def _answer(action: Action, place: Place, by: User, now: datetime) -> None:
    if not questions.reopen(question_id=action.before["question"]):
        raise TooLate


def _delete_question(action: Action, place: Place, by: User, now: datetime) -> None:
    if not questions.restore(question_id=action.before["question"]):
        raise TooLate


def _held(action: Action) -> Sanction:
    """Find a sanction that is still as the action left it."""
    sanction = Sanction.objects.filter(pk=action.sanction_id or 0).first()
    if sanction is None or sanction.lifted_at is not None:
        raise TooLate
    to = None if sanction.until is None else sanction.until.isoformat()
    if to != action.before["to"]:
        raise TooLate
    return sanction


def _sanction(action: Action, place: Place, by: User, now: datetime) -> None:
    sanctions.end(_held(action), by=by, now=now)


def _extend(action: Action, place: Place, by: User, now: datetime) -> None:
    sanction = _held(action)
    sanction.until = datetime.fromisoformat(action.before["until"])
    sanction.reason = action.before["reason"]
    sanction.by_id = action.before.get("by", sanction.by_id)
    sanction.rev += 1
    sanction.save(update_fields=["until", "reason", "by", "rev"])
    sanctions.changed(sanction)


def _reopen(action: Action, now: datetime, *, lifted_at: str, appeal_too: bool) -> None:
    """Have a lifted sanction hold again, unless it was replaced or its user made a moderator."""
    sanction = Sanction.objects.filter(pk=action.sanction_id or 0).first()
    if sanction is None or sanction.lifted_at is None:
        raise TooLate
    if sanction.lifted_at.isoformat() != lifted_at:
        raise TooLate
    place = place_again(creator_id=sanction.creator_id, piece_id=sanction.piece_id)
    if is_moderator(sanction.user_id, place):
        raise TooLate
    again = holding_sanctions(now).filter(
        place.exactly, kind=sanction.kind, user_id=sanction.user_id
    )
    if again.exists():
        raise TooLate
    sanctions.reopen(sanction, appeal_too=appeal_too)


def _lift(action: Action, place: Place, by: User, now: datetime) -> None:
    before = action.before
    _reopen(action, now, lifted_at=before["lifted_at"], appeal_too=before["appeal"])


def _grant(action: Action, place: Place, by: User, now: datetime) -> None:
    _reopen(action, now, lifted_at=action.before["answered_at"], appeal_too=True)


def _deny(action: Action, place: Place, by: User, now: datetime) -> None:
    appeal = Appeal.objects.select_related("sanction").filter(pk=action.before["appeal"]).first()
    if appeal is None or appeal.answered_at is None or appeal.sanction.lifted_at is not None:
        raise TooLate
    if appeal.answered_at.isoformat() != action.before["answered_at"]:
        raise TooLate
    sanctions.reopen_appeal(appeal.sanction)
    appeal.sanction.rev += 1
    appeal.sanction.save(update_fields=["rev"])
    sanctions.changed(appeal.sanction)


def _rules(action: Action, place: Place, by: User, now: datetime) -> None:
    row = ChatRules.objects.filter(place.exactly).first()
    if rules.as_wanted(row) != action.before["new"]:
        raise TooLate
    rules.write(place, action.before["old"])


def _add_filter(action: Action, place: Place, by: User, now: datetime) -> None:
    if not Filter.objects.filter(pk=action.before["filter"], removed_at=None).update(
        removed_at=now
    ):
        raise TooLate
    screening.tell(place)


def _remove_filter(action: Action, place: Place, by: User, now: datetime) -> None:
    if not Filter.objects.filter(pk=action.before["filter"], removed_at__isnull=False).update(
        removed_at=None
    ):
        raise TooLate
    screening.tell(place)


def _add_moderator(action: Action, place: Place, by: User, now: datetime) -> None:
    if action.subject_id is None or not moderators.take_away(place, user_id=action.subject_id):
        raise TooLate


def _remove_moderator(action: Action, place: Place, by: User, now: datetime) -> None:
    if action.subject_id is None:
        raise TooLate
    if moderators.put(place, user_id=action.subject_id, by=by, now=now) is None:
        raise TooLate


def _import(action: Action, place: Place, by: User, now: datetime) -> None:
    blocklists.take_back(place, before=action.before, by=by, now=now)


_Undo = Callable[[Action, Place, User, datetime], None]

_UNDO: Final[dict[ActionKind, _Undo]] = {
    ActionKind.DELETE: _delete,
    ActionKind.RESTORE: _restore,
    ActionKind.SHOW: _show,
    ActionKind.REJECT: _reject,
    ActionKind.PIN: _pin,
    ActionKind.UNPIN: _pin,
    ActionKind.ANSWER: _answer,
    ActionKind.DELETE_QUESTION: _delete_question,
    ActionKind.MUTE: _sanction,
    ActionKind.BAN: _sanction,
    ActionKind.EXTEND: _extend,
    ActionKind.LIFT: _lift,
    ActionKind.GRANT: _grant,
    ActionKind.DENY: _deny,
    ActionKind.RULES: _rules,
    ActionKind.ADD_FILTER: _add_filter,
    ActionKind.REMOVE_FILTER: _remove_filter,
    ActionKind.ADD_MODERATOR: _add_moderator,
    ActionKind.REMOVE_MODERATOR: _remove_moderator,
    ActionKind.IMPORT: _import,
}
