"""What people are told of sanctions and rules."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from creators.chat.models import Sanction
from creators.chat.standing import Rules


def moment(at: datetime) -> str:
    """Write an instant as short as it can be understood: the day only when it isn't today."""
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localdate()
    return date_format(local, "H:i") if is_today else date_format(local, "j F Y, H:i")


def until_when(sanction: Sanction) -> str:
    """Say how long a sanction holds."""
    if sanction.until is not None:
        return _("until %(time)s") % {"time": moment(sanction.until)}
    if sanction.piece_id is not None:
        return _("for the whole show")
    return _("for good")


def rules_in_words(rules: Rules) -> list[str]:
    """Say the rules that are on, each in a sentence."""
    slow_seconds, hold_seconds = rules.slow_seconds, rules.hold_seconds
    said = []
    if slow_seconds:
        said.append(
            ngettext(
                "Slow mode: one line each %(seconds)d s",
                "Slow mode: one line each %(seconds)d s",
                slow_seconds,
            )
            % {"seconds": slow_seconds}
        )
    if rules.followers_only:
        said.append(_("Only followers may write"))
    if hold_seconds:
        said.append(
            ngettext(
                "Lines are shown after %(seconds)d second",
                "Lines are shown after %(seconds)d seconds",
                hold_seconds,
            )
            % {"seconds": hold_seconds}
        )
    return said
