"""Checking out without an account: a link is mailed, and whoever follows it owns the address."""

import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, cast

from allauth.account.models import EmailAddress
from django.core import signing
from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import Address, User
from shops.accounts.services import AddressFields, TooManyAddresses, add_address
from shops.checkout.events import GuestLinkAsked
from shops.checkout.models import GuestLink
from shops.facts.publishing import publish
from shops.facts.refused import Refused

LINK_LASTS: Final = timedelta(hours=24)
_KEPT_FOR: Final = timedelta(days=7)
_SALT: Final = "checkout.guest-link"


class GuestLinkOver(Refused):
    code = "guest_link_over"
    message = _("This link was used already, or it is older than a day. Ask for a new one.")
    status = 410


class HasAccount(Refused):
    code = "has_account"
    message = _("There is an account with this e-mail address. Sign in to go on.")


@transaction.atomic
def ask_guest_link(
    *,
    email: str,
    cart_token: uuid.UUID | None,
    address: AddressFields | None = None,
    next_path: str = "",
    now: datetime,
) -> GuestLink:
    """Have a link mailed that goes on with a cart, whoever the address belongs to.

    What is done and answered here is the same for an address with an account and without.
    """
    link = GuestLink.objects.create(
        email=email.lower(),
        cart_token=cart_token,
        address=dict(address or {}),
        next_path=next_path,
        created_at=now,
        expires_at=now + LINK_LASTS,
    )
    publish(GuestLinkAsked(link_id=str(link.pk)))
    return link


def token_of(link: GuestLink) -> str:
    """Write the signed part of a link's address."""
    return signing.dumps(str(link.pk), salt=_SALT)


def link_by(*, token: str, now: datetime) -> GuestLink:
    """Find the link that a token is for, if it still works.

    :raises GuestLinkOver: it was used, is too old, or never was
    """
    try:
        link_id = uuid.UUID(signing.loads(token, salt=_SALT))
    except (signing.BadSignature, ValueError, TypeError):
        raise GuestLinkOver from None
    link = GuestLink.objects.filter(pk=link_id, used_at=None, expires_at__gt=now).first()
    if link is None:
        raise GuestLinkOver
    return link


def has_account(email: str) -> bool:
    """Tell whether somebody signs in with this address and a password."""
    user = _owner(email.lower())
    return user is not None and user.has_usable_password()


@transaction.atomic
def use_guest_link(
    *, token: str, cart_token: uuid.UUID | None = None, now: datetime
) -> tuple[User, GuestLink]:
    """Use a link up: gives the guest that it belongs to, made now if there was none.

    A guest is a user without a password whose e-mail address is known to be theirs. Anybody can
    have a link mailed to them with an address of anybody's: only what this browser itself typed in
    becomes a guest's default.

    :param cart_token: the cart of the browser that follows the link
    :raises GuestLinkOver: it was used, is too old, or never was
    :raises HasAccount: somebody signs in with this address; nobody gets in by a link
    """
    link = link_by(token=token, now=now)
    # Of two who follow it at once, one comes too late.
    if not GuestLink.objects.filter(pk=link.pk, used_at=None).update(used_at=now, address={}):
        raise GuestLinkOver
    user = _guest(link.email, now=now)
    if user.has_usable_password():
        raise HasAccount
    if not user.is_active:
        raise GuestLinkOver
    is_own = link.cart_token is not None and link.cart_token == cart_token
    _keep_address(user, link.address, as_default=is_own, now=now)
    return user, link


def forget_old_links(*, now: datetime) -> int:
    """Delete links that ended days ago; returns how many."""
    deleted, _by_model = GuestLink.objects.filter(expires_at__lt=now - _KEPT_FOR).delete()
    return deleted


def _guest(email: str, *, now: datetime) -> User:
    try:
        with transaction.atomic():
            user = _owner(email)
            if user is None:
                user = User.objects.create_user(
                    email, display_name=gettext("Guest"), date_joined=now
                )
    except IntegrityError:  # made by another link in this moment
        user = User.objects.get(email=email)
    if not user.has_usable_password() and user.email == email:
        EmailAddress.objects.update_or_create(
            user=user, email=email, defaults={"verified": True, "primary": True}
        )
    return user


def _owner(email: str) -> User | None:
    """Find whose an address is: who has shown it, by whichever of theirs they sign in."""
    shown = EmailAddress.objects.filter(email=email, verified=True).select_related("user").first()
    return shown.user if shown else User.objects.filter(email=email).first()


def _keep_address(user: User, fields: Any, *, as_default: bool, now: datetime) -> None:
    if not fields or Address.objects.filter(user=user, **fields).exists():
        return
    with suppress(TooManyAddresses):
        add_address(user=user, fields=cast(AddressFields, fields), as_default=as_default, now=now)
