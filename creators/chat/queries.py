"""Reads of a show's chat: what is seen of it, its questions, who may not write."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, QuerySet

from creators.chat.models import Message, MessageState, PinnedLine, Question, Vote


def seen(piece_id: int) -> "QuerySet[Message]":
    """Select the lines of a piece that everybody sees, with their authors and what they answer."""
    return Message.objects.select_related("author", "reply_to__author").filter(
        piece_id=piece_id, state=MessageState.SHOWN, deleted_at__isnull=True
    )


def last_messages(*, piece_id: int, limit: int = 50) -> Sequence[Message]:
    """List the newest lines that everybody sees, oldest first, each with its author."""
    return list(seen(piece_id).order_by("-pk")[:limit])[::-1]


def pinned_message(piece_id: int) -> Message | None:
    """Find the line that stands above a chat."""
    pinned = PinnedLine.objects.filter(piece_id=piece_id).values_list("message", flat=True).first()
    return None if pinned is None else seen(piece_id).filter(pk=pinned).first()


def line_to_answer(*, piece_id: int, asked: str) -> Message | None:
    """Find the line that the address of a page says somebody wants to answer."""
    if not asked.isdecimal() or len(asked) > 18:
        return None
    return seen(piece_id).filter(pk=int(asked)).first()


@dataclass
class ProductQueue:
    """The open questions about one product, or (None) about anything else."""

    product_id: int | None
    title: str
    questions: list[Question] = field(default_factory=list)


@dataclass(frozen=True)
class Queue:
    """A show's questions; those that `voted` are ids that one viewer voted for."""

    open: Sequence[Question]
    answered: Sequence[Question]
    voted: frozenset[int]

    @property
    def by_product(self) -> Sequence[ProductQueue]:
        """Group the open ones; what is wanted most comes first, groups by their first."""
        groups: dict[int | None, ProductQueue] = {}
        for question in self.open:
            title = "" if question.product is None else question.product.title
            group = groups.setdefault(question.product_id, ProductQueue(question.product_id, title))
            group.questions.append(question)
        return list(groups.values())


def queue(*, piece_id: int, viewer_id: int | None = None, limit: int = 100) -> Queue:
    """Read a show's questions: the open ones by votes, then age; the answered ones newest first."""
    kept = _questions(piece_id)
    still_open = list(kept.filter(answered_at__isnull=True).order_by("-votes", "pk")[:limit])
    answered = kept.filter(answered_at__isnull=False).order_by(F("answered_at").desc(), "-pk")
    votes = Vote.objects.filter(question__in=still_open, user=viewer_id)
    return Queue(
        open=still_open,
        answered=list(answered[:limit]),
        voted=frozenset(votes.values_list("question", flat=True) if viewer_id else ()),
    )


def answered_questions(*, piece_id: int) -> Sequence[Question]:
    """List what was answered in a show, in the order that it was answered."""
    kept = _questions(piece_id).filter(answered_at__isnull=False)
    return list(kept.order_by("answered_at", "pk"))


def _questions(piece_id: int) -> "QuerySet[Question]":
    return Question.objects.select_related("author", "product").filter(
        piece_id=piece_id, deleted_at__isnull=True
    )


def lines_between(
    *, piece_id: int, since: datetime, here: datetime, until: datetime, before: int, after: int
) -> tuple[Sequence[Message], Sequence[Message]]:
    """List the lines of a stretch around an instant in it: the last before it, the first after it.

    Each with its author, oldest first, without the deleted; `before` and `after` are the most.
    """
    kept = seen(piece_id)
    earlier = kept.filter(sent_at__gte=since, sent_at__lt=here).order_by("-sent_at", "-pk")
    later = kept.filter(sent_at__gte=here, sent_at__lt=until).order_by("sent_at", "pk")
    return list(earlier[:before])[::-1], list(later[:after])
