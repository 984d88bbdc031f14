"""What the moderators' pages say of lines, sanctions and actions, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from creators.chat.models import Action, Message, Sanction
from creators.chat.moderation import texts, undoing
from creators.chat.moderation.actions import ActionKind
from creators.chat.moderation.authority import Place, Rank, rank_of
from creators.chat.moderation.sanctions import least_rank
from creators.chat.standing import Rules
from shops.accounts.models import User

LOG_PAGE: Final = 30


def why_waiting(message: Message) -> str:
    """Say why others don't see a line (yet)."""
    kind, _colon, found = message.why.partition(":")
    if kind == "filter":
        return _("A filter found “%(found)s”.") % {"found": found}
    if kind == "flood":
        return _("Many wrote the same at once.")
    return _("It waits for its time.") if message.shown_at is not None else _("It waits for you.")


@dataclass(frozen=True, slots=True)
class Waiting:
    line: Message
    why: str


def waiting(message: Message) -> Waiting:
    return Waiting(message, why_waiting(message))


@dataclass(frozen=True, slots=True)
class Held:
    """A sanction as the desk lists it."""

    sanction: Sanction
    until: str
    can_lift: bool


def sanctions(found: Iterable[Sanction], *, by: User, rank: Rank) -> list[Held]:
    ranks: dict[tuple[int, int | None], Rank] = {}

    def rank_of_who_decided(one: Sanction) -> Rank:
        key = one.by_id, one.piece_id
        if key not in ranks:
            place = Place(one.creator_id, one.creator.user_id, one.piece_id)
            ranks[key] = rank_of(one.by, place)
        return ranks[key]

    return [
        Held(
            one,
            texts.until_when(one),
            can_lift=rank >= least_rank(Place(one.creator_id, 0, one.piece_id))
            and (rank is Rank.HOST or one.by_id == by.pk or rank >= rank_of_who_decided(one)),
        )
        for one in found
    ]


def _seconds(text: str | None) -> str:
    if text is None:
        return ""
    return texts.moment(datetime.fromisoformat(text))


def _rules(rules: dict[str, object]) -> str:
    if rules["as_default"]:
        return _("as in all shows")
    said = texts.rules_in_words(
        Rules(
            slow_seconds=int(str(rules["slow_seconds"])),
            hold_seconds=int(str(rules["hold_seconds"])),
            followers_only=bool(rules["followers_only"]),
        )
    )
    return "; ".join(said) or _("no rules")


def in_words(action: Action) -> str:
    """Say what was done beside the kind and the name: the line, the time, the rules."""
    before = action.before
    match ActionKind(action.kind):
        case ActionKind.MUTE | ActionKind.BAN | ActionKind.EXTEND:
            is_wide = action.piece_id is None
            where = _("in all shows") if is_wide else ""
            until = before.get("to")
            endless = _("without an end") if is_wide else _("for the whole show")
            when = _("until %(time)s") % {"time": _seconds(until)} if until else endless
            return " ".join(part for part in (when, where) if part)
        case ActionKind.RULES:
            return _rules(before["new"])
        case ActionKind.ADD_FILTER | ActionKind.REMOVE_FILTER:
            return str(before["text"])[:80]
        case ActionKind.IMPORT:
            return _("from @%(creator)s: %(bans)d bans, %(filters)d filters") % {
                "creator": before["from"],
                "bans": len(before["sanctions"]),
                "filters": len(before["filters"]),
            }
    return action.message.body if action.message is not None else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An action as the log lists it."""

    action: Action
    kind: str
    text: str
    can_undo: bool


def earlier(found: Sequence[Action], *, offset: int) -> int | None:
    """Tell where the next page of a log begins; one more than a page was looked for."""
    return offset + LOG_PAGE if len(found) > LOG_PAGE else None


def log(actions: Sequence[Action], *, by: User, place: Place, rank: Rank) -> list[Entry]:
    ranks: dict[int, Rank] = {by.pk: rank}

    def rank_then(actor: User) -> Rank:
        if actor.pk not in ranks:
            ranks[actor.pk] = rank_of(actor, place)
        return ranks[actor.pk]

    return [
        Entry(
            action,
            str(ActionKind(action.kind).label),
            in_words(action),
            can_undo=undoing.can_undo(action)
            and rank >= undoing.least_rank(action)
            and (action.by_id == by.pk or rank >= rank_then(action.by)),
        )
        for action in actions
    ]


# --- What forms offer ---------------------------------------------------------------------------

Choice = tuple[int, str]


def _with(choices: list[Choice], now: int, words: str) -> list[Choice]:
    """Offer also what is set, when a script set something between the steps."""
    known = {seconds for seconds, _words in choices}
    return choices if now in known else sorted([*choices, (now, words)])


def slow_choices(now: int = 0) -> list[Choice]:
    every = _("one line each %(seconds)d s")
    steps = [(seconds, every % {"seconds": seconds}) for seconds in (3, 5, 10, 15, 30, 60, 120)]
    return _with([(0, _("off")), *steps], now, every % {"seconds": now})


def hold_choices(now: int = 0) -> list[Choice]:
    words = _("%(seconds)d s")
    steps = [(seconds, words % {"seconds": seconds}) for seconds in range(1, 6)]
    return _with([(0, _("shown at once")), *steps], now, words % {"seconds": now})


def mute_choices() -> list[tuple[int | str, str]]:
    """Offer lengths in seconds; "" for without an end."""
    return [
        (60, _("1 minute")),
        (600, _("10 minutes")),
        (3_600, _("1 hour")),
        (86_400, _("1 day")),
        ("", _("The whole show")),
    ]
