"""Disputes: a buyer says no, the shop answers, an operator decides; each in its time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.facts.pictures import Picture
from shops.facts.refused import NotFound, Refused
from shops.returns.deciding import BadAmount, TooMuch, due_in, most_minor
from shops.returns.models import Dispute, DisputeMessage, Return
from shops.returns.moving import Moved, lock, move, note, said
from shops.returns.photos import keep
from shops.returns.refunds import owe
from shops.returns.states import (
    DISPUTE_TRANSITIONS,
    DisputeState,
    EventKind,
    ReturnState,
    Side,
)

MOST_MESSAGES: Final = 10


class NotDisputable(Refused):
    code = "not_disputable"
    message = _("There is nothing to dispute, or the time for it is over.")


class TooManyMessages(Refused):
    code = "too_many_messages"
    message = _("You have said a lot. Now it is for the others to answer.")


class AnswerPending(Refused):
    """`extra`: `answer_by`, until when the shop may answer."""

    code = "answer_pending"
    message = _("The shop still has time to answer. Hear both sides first.")


def is_disputable(case: Return, *, now: datetime) -> bool:
    """Tell whether a buyer may dispute how a return stands.

    A rejection or a smaller refund, until the time limit; goods that were sent and that the shop
    says nothing of, after a while.
    """
    if case.state == ReturnState.IN_TRANSIT:
        return case.sent_at is not None and now >= due_in(
            settings.RETURN_ARRIVAL_DAYS, now=case.sent_at
        )
    is_refusal = case.state == ReturnState.REJECTED or (
        case.state == ReturnState.REFUNDED and case.short_minor > 0
    )
    return is_refusal and case.due_at is not None and now < case.due_at


@transaction.atomic
def open_dispute(
    *,
    case_id: UUID,
    text: str,
    photos: Sequence[Picture] = (),
    by: User,
    now: datetime,
) -> Dispute:
    """Ask the operators to decide instead of the shop; the order's money waits meanwhile.

    :raises NotDisputable: nothing was refused, or it is too late (or too early)
    :raises WordsMissing: not a word about why
    :raises TooManyPhotos: more than six with those of the request
    """
    case = lock(case_id)
    text = said(text)
    if not is_disputable(case, now=now):
        raise NotDisputable
    move(
        case,
        ReturnState.DISPUTED,
        kind=EventKind.DISPUTED,
        side=Side.BUYER,
        by=by,
        reason=text,
        amount_minor=case.short_minor,
        now=now,
    )
    dispute = Dispute.objects.create(
        case=case,
        opened_at=now,
        answer_by=due_in(settings.DISPUTE_ANSWER_DAYS, now=now),
        decide_by=due_in(settings.DISPUTE_DECIDE_DAYS, now=now),
    )
    DisputeMessage.objects.create(dispute=dispute, side=Side.BUYER, author=by, text=text, at=now)
    keep(case, photos, side=Side.BUYER, by=by, now=now)
    return dispute


@transaction.atomic
def say(
    *,
    case_id: UUID,
    side: Side,
    text: str,
    photos: Sequence[Picture] = (),
    by: User,
    now: datetime,
) -> None:
    """Add words and photos of one side to an open dispute; the shop's first ones are its answer.

    :raises WordsMissing: not a word
    :raises TooManyMessages: one side has said ten things
    :raises TooManyPhotos: more than six of one side
    :raises Moved: there is no dispute, or it is over
    """
    case, dispute = _lock(case_id)
    text = said(text)
    if dispute.messages.filter(side=side).count() >= MOST_MESSAGES:
        raise TooManyMessages
    is_answer = side == Side.SHOP and dispute.state == DisputeState.OPEN
    if is_answer:
        _move(case, dispute, DisputeState.ANSWERED)
    DisputeMessage.objects.create(dispute=dispute, side=side, author=by, text=text, at=now)
    keep(case, photos, side=side, by=by, now=now)
    kind = EventKind.ANSWERED if is_answer else EventKind.SAID
    note(case, kind=kind, side=side, by=by, reason=text, now=now)


@transaction.atomic
def withdraw(*, case_id: UUID, by: User, now: datetime) -> None:
    """Let a dispute be: the shop's decision stands.

    :raises Moved: there is no dispute, or it is over
    """
    case, dispute = _lock(case_id)
    _move(case, dispute, DisputeState.WITHDRAWN)
    move(case, ReturnState.CLOSED, kind=EventKind.WITHDRAWN, side=Side.BUYER, by=by, now=now)


@transaction.atomic
def decide(*, case_id: UUID, amount_minor: int, reason: str, by: User, now: datetime) -> None:
    """Say the operators' last word: how much more goes back, zero for nothing, and why.

    :raises BadAmount: it is negative
    :raises TooMuch: more than what is missing, or than is left of the order's price
    :raises WordsMissing: no reason
    :raises AnswerPending: the shop has not answered and still has time
    :raises Moved: there is no dispute, or it is over
    """
    case, dispute = _lock(case_id)
    reason = said(reason)
    if amount_minor < 0:
        raise BadAmount
    if dispute.state == DisputeState.OPEN and now < dispute.answer_by:
        raise AnswerPending(answer_by=dispute.answer_by.isoformat())
    most = most_minor(case)
    if amount_minor > most:
        raise TooMuch(most_minor=most)
    _move(
        case,
        dispute,
        DisputeState.DECIDED,
        refund_minor=amount_minor,
        decision=reason,
        decided_by=by,
        decided_at=now,
    )
    move(
        case,
        ReturnState.CLOSED,
        kind=EventKind.DECIDED,
        side=Side.OPERATOR,
        by=by,
        reason=reason,
        amount_minor=amount_minor,
        refund_minor=case.refund_minor + amount_minor,
        now=now,
    )
    owe(case, amount_minor=amount_minor, reason=reason, by=by, now=now)


def _lock(case_id: UUID) -> tuple[Return, Dispute]:
    case = lock(case_id)
    dispute = Dispute.objects.filter(case=case).first()
    if dispute is None:
        raise NotFound
    if not dispute.is_open:
        raise Moved(state=case.state)
    return case, dispute


def _move(case: Return, dispute: Dispute, to: DisputeState, **fields: object) -> None:
    before = DisputeState(dispute.state)
    is_known = to in DISPUTE_TRANSITIONS[before]
    same = Dispute.objects.filter(pk=dispute.pk, state=before)
    if not is_known or not same.update(state=to, **fields):
        raise Moved(state=case.state)
