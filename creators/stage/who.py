"""Whom a show takes somebody for, told without a query from what is known of both."""

from datetime import datetime

from creators.chat.standing import Restriction, RoleName, Standing
from creators.stage import wire
from creators.stage.identity import Identity
from creators.stage.times import ms, ms_or_none


def role_in(who: Identity, standing: Standing) -> RoleName:
    return standing.role_of(who.user_id, is_operator=who.is_operator)


def restriction_card(one: Restriction) -> wire.SanctionCard:
    return wire.SanctionCard(
        id=one.id,
        rev=one.rev,
        kind="ban" if one.kind == "ban" else "mute",
        scope="creator" if one.piece_id is None else "show",
        piece_id=one.piece_id,
        creator_id=one.creator_id,
        user_id=one.user_id,
        name=one.name,
        reason=one.reason,
        at=ms(one.at),
        until=ms_or_none(one.until),
        lifted=False,
        appeal=one.appeal,  # type: ignore[arg-type]  # the database holds no other
    )


def you_of(who: Identity, standing: Standing | None, *, url: str, now: datetime) -> wire.You:
    """Tell somebody who they are; `standing` is None on pages that are not a show's."""
    role: RoleName
    if standing is None:
        role = "guest" if who.user_id is None else "viewer"
        mute = None
    else:
        role = role_in(who, standing)
        mute = standing.mute_of(who.user_id, now=now)
    return wire.You(
        role=role,
        user_id=who.user_id,
        name=who.name,
        may_chat=who.user_id is not None,
        muted_until=None if mute is None else ms_or_none(mute.until),
        picture_url=url,
        mute=None if mute is None else restriction_card(mute),
    )
