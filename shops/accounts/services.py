"""Changes to users: their profile, addresses, roles, and the end of a session."""

import hashlib
from datetime import date, datetime
from typing import Final, TypedDict

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.accounts.events import SignedOut
from shops.accounts.models import Address, Grant, Role, User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotFound, Refused

MOST_ADDRESSES: Final = 20
_OLDEST_YEAR: Final = 1900


class TooManyAddresses(Refused):
    code = "too_many_addresses"
    message = _("You have as many addresses as one can have. Delete one first.")


class ImpossibleBirthDate(Invalid):
    code = "impossible_birth_date"
    message = _("Nobody was born on that day and is here.")


class AddressFields(TypedDict):
    """What an address says; `country` is an ISO 3166-1 code."""

    full_name: str
    line1: str
    line2: str
    postal_code: str
    city: str
    region: str
    country: str
    phone: str


def update_profile(
    *, user: User, display_name: str, birth_date: date | None, now: datetime
) -> None:
    """Change the name that others see and the birth date.

    :raises ImpossibleBirthDate: it lies in the future or in another age
    """
    if birth_date is not None and not date(_OLDEST_YEAR, 1, 1) <= birth_date <= now.date():
        raise ImpossibleBirthDate
    User.objects.filter(pk=user.pk).update(display_name=display_name, birth_date=birth_date)
    user.display_name = display_name
    user.birth_date = birth_date


@transaction.atomic
def add_address(*, user: User, fields: AddressFields, as_default: bool, now: datetime) -> Address:
    """Keep a new address; the first of a user is the default one.

    :raises TooManyAddresses: the user has `MOST_ADDRESSES`
    """
    _lock(user)
    count = Address.objects.filter(user=user).count()
    if count >= MOST_ADDRESSES:
        raise TooManyAddresses
    becomes_default = as_default or count == 0
    if becomes_default:
        _unset_default(user)
    return Address.objects.create(user=user, is_default=becomes_default, created_at=now, **fields)


@transaction.atomic
def change_address(
    *, user: User, address_id: int, fields: AddressFields, as_default: bool
) -> Address:
    """Rewrite an address of the user. A default address stays the default.

    :raises NotFound: the user has no such address
    """
    _lock(user)
    address = _own_address(user, address_id)
    if as_default and not address.is_default:
        _unset_default(user)
        address.is_default = True
    for name, value in fields.items():
        setattr(address, name, value)
    address.save()
    return address


@transaction.atomic
def make_default(*, user: User, address_id: int) -> None:
    """Make an address the one that checkout offers first.

    :raises NotFound: the user has no such address
    """
    _lock(user)
    address = _own_address(user, address_id)
    _unset_default(user)
    Address.objects.filter(pk=address.pk).update(is_default=True)


@transaction.atomic
def delete_address(*, user: User, address_id: int) -> None:
    """Forget an address (orders keep their own copy); the newest left becomes the default.

    :raises NotFound: the user has no such address
    """
    _lock(user)
    address = _own_address(user, address_id)
    was_default = address.is_default
    address.delete()
    if was_default:
        newest = Address.objects.filter(user=user).order_by("-created_at", "-pk").first()
        if newest is not None:
            Address.objects.filter(pk=newest.pk).update(is_default=True)


def grant_role(*, user: User, role: Role, now: datetime) -> Grant:
    """Give a user a role; a second time changes nothing."""
    grant, _created = Grant.objects.get_or_create(
        user=user, role=role, defaults={"granted_at": now}
    )
    return grant


def session_hash(session_key: str) -> str:
    """Name a session without giving away its key: SHA-256 in hexadecimal."""
    return hashlib.sha256(session_key.encode()).hexdigest()


@transaction.atomic
def record_sign_out(*, user_id: int, session_key: str) -> None:
    """Tell that a session has ended, so that whatever it had open is closed."""
    publish(SignedOut(user_id=user_id, session_hash=session_hash(session_key)))


def _lock(user: User) -> None:
    # Changes of one user's addresses happen one after the other: one default, never two or none.
    User.objects.select_for_update().get(pk=user.pk)


def _own_address(user: User, address_id: int) -> Address:
    address = Address.objects.filter(user=user, pk=address_id).first()
    if address is None:
        raise NotFound
    return address


def _unset_default(user: User) -> None:
    Address.objects.filter(user=user, is_default=True).update(is_default=False)
