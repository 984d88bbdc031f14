"""The log of what moderators did: every kind has its name here and its undo in `undoing`."""

from datetime import datetime
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from creators.chat.events import ModeratorActed
from creators.chat.models import Action
from creators.chat.moderation.authority import Place
from creators.chat.words import clean
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid

LONGEST_REASON: Final = 200


class ActionKind(models.TextChoices):
    DELETE = "delete", _("deleted a line")
    RESTORE = "restore", _("brought back a line")
    SHOW = "show", _("let a line through")
    REJECT = "reject", _("kept a line back")
    PIN = "pin", _("pinned a line")
    UNPIN = "unpin", _("took down the pinned line")
    ANSWER = "answer", _("marked a question as answered")
    DELETE_QUESTION = "delete_question", _("deleted a question")
    MUTE = "mute", _("muted")
    BAN = "ban", _("banned")
    EXTEND = "extend", _("made longer")
    LIFT = "lift", _("lifted")
    RULES = "rules", _("changed the rules")
    ADD_FILTER = "add_filter", _("added a filter")
    REMOVE_FILTER = "remove_filter", _("removed a filter")
    ADD_MODERATOR = "add_moderator", _("made a moderator")
    REMOVE_MODERATOR = "remove_moderator", _("removed a moderator")
    GRANT = "grant", _("granted an appeal")
    DENY = "deny", _("denied an appeal")
    IMPORT = "import", _("took in a block list")


def reason_of(text: str) -> str:
    """Make one line of a reason.

    :raises Invalid: more than 200 characters
    """
    reason = clean(text)
    if len(reason) > LONGEST_REASON:
        raise Invalid(_("A reason has 200 characters at most."))
    return reason


def record(
    *,
    kind: ActionKind,
    place: Place,
    by: User,
    now: datetime,
    reason: str = "",
    subject_id: int | None = None,
    message_id: int | None = None,
    sanction_id: int | None = None,
    before: dict[str, Any] | None = None,
) -> Action:
    """Write down what a moderator just did, in the transaction that does it.

    `before` is plain JSON: what the undo restores, and how it tells that it comes too late.
    """
    action = Action.objects.create(
        kind=kind,
        creator_id=place.creator_id,
        piece_id=place.piece_id,
        by=by,
        subject_id=subject_id,
        message_id=message_id,
        sanction_id=sanction_id,
        reason=reason_of(reason),
        at=now,
        before=before or {},
    )
    publish(
        ModeratorActed(action_id=action.pk, creator_id=place.creator_id, piece_id=place.piece_id)
    )
    return action
