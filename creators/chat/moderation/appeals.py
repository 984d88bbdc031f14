"""What sanctioned users say against it, once for each sanction, and the answer to it."""

from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from creators.chat.models import Appeal, AppealState, Sanction
from creators.chat.moderation import sanctions
from creators.chat.moderation.actions import ActionKind, record
from creators.chat.moderation.authority import TO_JUDGE, need, need_as_much_as
from creators.chat.words import clean
from shops.accounts.models import User
from shops.facts.refused import Invalid, NotFound, Refused

LONGEST: Final = 500


class AppealedAlready(Refused):
    code = "appealed_already"
    message = _("You have said what you had to say against this. You will be told the answer.")


class NothingToAppeal(Refused):
    code = "nothing_to_appeal"
    message = _("This has ended: there is nothing to appeal against.")


class AnsweredAlready(Refused):
    code = "answered_already"
    message = _("Somebody else has answered this.")


@transaction.atomic
def appeal(*, sanction_id: int, by: User, text: str, now: datetime) -> Appeal:
    """Say something against a sanction of one's own; the moderators answer.

    :raises NotFound: there is no such sanction of theirs
    :raises NothingToAppeal: it has ended
    :raises AppealedAlready: they did so before
    :raises Invalid: no words, or more than 500 characters
    """
    if not Sanction.objects.filter(pk=sanction_id, user_id=by.pk).exists():
        raise NotFound
    # Whoever just lifts it is waited for: nobody would ever answer this.
    sanction, _place = sanctions.found(sanction_id)
    words = clean(text)
    if not words:
        raise Invalid(_("Write why it should end."))
    if len(words) > LONGEST:
        raise Invalid(_("An appeal has 500 characters at most."))
    if not sanction.holds_at(now):
        raise NothingToAppeal
    try:
        with transaction.atomic():
            made = Appeal.objects.create(sanction=sanction, text=words, at=now)
    except IntegrityError as error:
        raise AppealedAlready from error
    _tell(made, sanction)
    return made


def _tell(about: Appeal, sanction: Sanction) -> None:
    """Tell of an appeal; the card that the sanctioned user has shows it, too."""
    sanction.rev += 1
    sanction.save(update_fields=["rev"])
    sanctions.appeal_changed(about, sanction)
    sanctions.changed(sanction)


@transaction.atomic
def answer(*, appeal_id: int, by: User, grant: bool, words: str, now: datetime) -> Appeal:
    """Grant an appeal, which lifts the sanction, or deny it with words.

    :raises NotFound: there is no such appeal
    :raises NotAllowed: `by` doesn't moderate all of the creator's shows, or somebody above decided
    :raises AnsweredAlready: it has an answer
    :raises Invalid: a denial without words, or more than 500 characters
    """
    sanction_id = Appeal.objects.filter(pk=appeal_id).values_list("sanction_id", flat=True).first()
    if sanction_id is None:
        raise NotFound
    sanction, place = sanctions.found(sanction_id)
    need(by, place, TO_JUDGE)
    need_as_much_as(by, sanction.by, place, TO_JUDGE)
    said = clean(words)
    if len(said) > LONGEST:
        raise Invalid(_("An answer has 500 characters at most."))
    if not grant and not said:
        raise Invalid(_("Say why not: they will read it."))
    waiting = Appeal.objects.get(pk=appeal_id)
    if waiting.state != AppealState.OPEN:
        raise AnsweredAlready
    if grant:
        sanctions.end(sanction, by=by, now=now, answer=said)
    else:
        waiting.state, waiting.answer = AppealState.DENIED, said
        waiting.answered_at, waiting.answered_by = now, by
        waiting.rev += 1
        waiting.save()
        _tell(waiting, sanction)
    waiting.refresh_from_db()
    record(
        kind=ActionKind.GRANT if grant else ActionKind.DENY,
        place=place,
        by=by,
        subject_id=sanction.user_id,
        sanction_id=sanction.pk,
        reason=said[:200],
        now=now,
        before={"appeal": waiting.pk, "answered_at": now.isoformat()},
    )
    return waiting
