"""Questions of a show's viewers: asked, wanted by others, too, and answered once.

    open -> answered (by host or moderators, undone in their log) | deleted

Words are judged as in the chat; who may not write may not ask.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from creators.chat import limits
from creators.chat.events import QuestionChanged
from creators.chat.models import Question, Vote
from creators.chat.moderation import actions
from creators.chat.moderation.authority import TO_MODERATE, Place, need, need_as_much_as, place_of
from creators.chat.posting import FilteredOut
from creators.chat.standing import Standing, read_standing
from creators.chat.words import checked
from creators.chat.writers import Banned, check_may_write, say_banned
from creators.pieces.models import PieceProduct
from creators.profiles.queries import is_operator
from creators.social.models import Follow
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotAllowed, NotFound, Refused

MOST_OPEN: Final = 3
# However fast somebody asks and takes back.
MOST_IN_WINDOW: Final = 5
WINDOW: Final = timedelta(minutes=1)


class TooManyQuestions(Refused):
    code = "too_many_questions"
    message = _("You have three questions open: wait until one of them is answered.")


class NotInTheBag(Invalid):
    code = "not_in_the_bag"
    message = _("The show doesn't have this product.")


class AnsweredAlready(Refused):
    code = "answered_already"
    message = _("This question was answered already.")


@transaction.atomic
def ask(
    *,
    piece_id: int,
    author: User,
    client_id: UUID,
    body: str,
    now: datetime,
    product_id: int | None = None,
    grace: timedelta = timedelta(),
) -> Question:
    """Ask something about a product of the bag, or about anything; same `client_id`, same question.

    :raises Refused: what a line of the chat is refused with, but for slow mode
    :raises TooManyQuestions: three of the author's are open in this show
    :raises NotInTheBag: the show doesn't have the product
    """
    body = checked(body)
    limits.serialise(author_ids=[author.pk])
    asked = Question.objects.filter(piece_id=piece_id, author=author, client_id=client_id).first()
    if asked is not None:
        return asked
    standing = read_standing(piece_id, now=now, of=[author.pk])
    keeps = standing.moderates(author.pk, is_operator=is_operator(author))
    check_may_write(
        standing,
        author.pk,
        keeps=keeps,
        follows=_follows(standing, author),
        at=now,
        grace=grace,
    )
    if not keeps and standing.judge.judge(body) is not None:
        raise FilteredOut
    mine = Question.objects.filter(author=author)
    if mine.filter(asked_at__gt=now - WINDOW).count() >= MOST_IN_WINDOW:
        raise limits.TooFast(retry_after=int(WINDOW.total_seconds()))
    still_open = mine.filter(
        piece_id=piece_id, answered_at__isnull=True, deleted_at__isnull=True
    ).count()
    if still_open >= MOST_OPEN:
        raise TooManyQuestions
    if product_id is not None:
        _check_product(piece_id, product_id)
    question = Question.objects.create(
        piece_id=piece_id,
        product_id=product_id,
        author=author,
        client_id=client_id,
        body=body,
        asked_at=now,
    )
    Vote.objects.create(question=question, user=author)
    _changed(question)
    return question


def _follows(standing: Standing, user: User) -> bool:
    return (
        standing.rules.followers_only
        and Follow.objects.filter(creator=standing.creator_id, user=user).exists()
    )


def _check_product(piece_id: int, product_id: int) -> None:
    if not PieceProduct.objects.filter(
        piece_id=piece_id, product_id=product_id, removed_at__isnull=True
    ).exists():
        raise NotInTheBag


@transaction.atomic
def vote(*, question_id: int, piece_id: int, by: User, now: datetime) -> Question:
    """Want a question answered, too; once more changes nothing.

    :raises NotFound: the show has no such question
    :raises AnsweredAlready: it was answered
    :raises Banned: `by` may not be in this show
    """
    question = _open(question_id, piece_id)
    _check_may_vote(question, by, now)
    _vote, is_new = Vote.objects.get_or_create(question=question, user=by)
    return _count(question, 1) if is_new else question


@transaction.atomic
def unvote(*, question_id: int, piece_id: int, by: User, now: datetime) -> Question:
    """Take a vote back; the author's own stays.

    :raises NotFound: the show has no such question
    :raises AnsweredAlready: it was answered
    """
    question = _open(question_id, piece_id)
    if question.author_id == by.pk:
        return question
    gone, _rows = Vote.objects.filter(question=question, user=by).delete()
    return _count(question, -1) if gone else question


def _check_may_vote(question: Question, by: User, now: datetime) -> None:
    standing = read_standing(question.piece_id, now=now, of=[by.pk])
    ban = standing.ban_of(by.pk, now=now)
    if ban is not None:
        raise Banned(say_banned(ban))


def _count(question: Question, more: int) -> Question:
    Question.objects.filter(pk=question.pk).update(votes=F("votes") + more, rev=F("rev") + 1)
    question.refresh_from_db(fields=["votes", "rev"])
    _changed(question)
    return question


@transaction.atomic
def answer(
    *, question_id: int, piece_id: int, by: User, now: datetime, reason: str = ""
) -> Question:
    """Mark a question as answered in the show, now.

    :raises NotAllowed: `by` doesn't moderate the show
    :raises NotFound: the show has no such question
    :raises AnsweredAlready: somebody else did
    """
    place = place_of(piece_id)
    need(by, place, TO_MODERATE)
    question = _open(question_id, piece_id)
    question.answered_at, question.answered_by = now, by
    _save(question, "answered_at", "answered_by")
    _record(actions.ActionKind.ANSWER, question, place, by, now, reason)
    return question


@transaction.atomic
def delete_question(
    *, question_id: int, piece_id: int, by: User, now: datetime, reason: str = ""
) -> Question:
    """Take a question out of the show; its author and moderators may. Again changes nothing.

    :raises NotAllowed: `by` is neither, or the author is above them
    :raises NotFound: the show has no such question
    """
    question = _locked(question_id, piece_id)
    is_own = question.author_id == by.pk
    place = place_of(piece_id)
    if not is_own:
        need_as_much_as(by, question.author, place, TO_MODERATE)
    if question.deleted_at is not None:
        return question
    if is_own and question.answered_at is not None:
        # What was answered is part of the show.
        raise NotAllowed
    question.deleted_at, question.deleted_by = now, by
    _save(question, "deleted_at", "deleted_by")
    if not is_own:
        _record(actions.ActionKind.DELETE_QUESTION, question, place, by, now, reason)
    return question


def reopen(*, question_id: int) -> bool:
    """Undo an answer, in the caller's transaction; False when there is none."""
    question = Question.objects.select_for_update().get(pk=question_id)
    if question.answered_at is None:
        return False
    question.answered_at = question.answered_by = None
    _save(question, "answered_at", "answered_by")
    return True


def restore(*, question_id: int) -> bool:
    """Undo a deletion, in the caller's transaction; False when there is none."""
    question = Question.objects.select_for_update().get(pk=question_id)
    if question.deleted_at is None:
        return False
    question.deleted_at = question.deleted_by = None
    _save(question, "deleted_at", "deleted_by")
    return True


def _locked(question_id: int, piece_id: int) -> Question:
    question = (
        Question.objects.select_for_update().filter(pk=question_id, piece_id=piece_id).first()
    )
    if question is None:
        raise NotFound
    return question


def _open(question_id: int, piece_id: int) -> Question:
    question = _locked(question_id, piece_id)
    if question.deleted_at is not None:
        raise NotFound
    if question.answered_at is not None:
        raise AnsweredAlready
    return question


def _save(question: Question, *fields: str) -> None:
    question.rev += 1
    question.save(update_fields=[*fields, "rev"])
    _changed(question)


def _changed(question: Question) -> None:
    publish(QuestionChanged(question_id=question.pk, piece_id=question.piece_id))


def _record(
    kind: actions.ActionKind,
    question: Question,
    place: Place,
    by: User,
    now: datetime,
    reason: str,
) -> None:
    actions.record(
        kind=kind,
        place=place,
        by=by,
        now=now,
        reason=reason,
        subject_id=question.author_id,
        before={"question": question.pk},
    )
