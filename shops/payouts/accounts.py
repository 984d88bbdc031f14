"""Bank accounts of those who are paid: a change retires the old one and is never an overwrite."""

import re
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.facts.refused import Invalid
from shops.payouts.models import PayoutAccount

_NUMBER: Final = re.compile(r"[A-Z0-9]{6,34}")
_IBAN_START: Final = re.compile(r"[A-Z]{2}[0-9]{2}")
_BIC: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")


class BadAccount(Invalid):
    code = "bad_account"
    message = _("This is no account number. Check it digit by digit.")


class BadBic(Invalid):
    code = "bad_bic"
    message = _("A BIC has 8 or 11 characters, as in DEUTDEFF.")


class NoHolder(Invalid):
    code = "no_holder"
    message = _("Say whose account it is, as the bank knows them.")


def account_of(owner: str) -> PayoutAccount | None:
    """Find where an owner is paid now."""
    return PayoutAccount.objects.filter(owner=owner, retired_at=None).first()


def clean_number(text: str) -> str:
    """Return an account number without blanks, in capitals.

    :raises BadAccount: it can't be one, or it is an IBAN whose check digits are wrong
    """
    number = "".join(text.split()).upper()
    if not number.isascii() or not _NUMBER.fullmatch(number):
        raise BadAccount
    if _IBAN_START.match(number) and not _is_iban(number):
        raise BadAccount
    return number


def _is_iban(number: str) -> bool:
    """Check an IBAN's digits (ISO 13616: modulo 97 is 1, with A = 10 … Z = 35)."""
    moved = number[4:] + number[:4]
    return len(number) >= 15 and int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


@transaction.atomic
def save_account(
    *, owner: str, holder: str, number: str, bic: str, by: User, now: datetime
) -> PayoutAccount:
    """Have an owner paid to this account from now on; payouts under way go where they were sent.

    :raises NoHolder: whose account it is was not said
    :raises BadAccount: it is no account number
    :raises BadBic: something is there that is no BIC
    """
    holder = " ".join(holder.split())[:120]
    if not holder or not holder.isprintable():
        raise NoHolder
    fields = {"holder": holder, "number": clean_number(number), "bic": _clean_bic(bic)}
    # Waits for a payout of this owner that is just being made.
    current = PayoutAccount.objects.select_for_update().filter(owner=owner, retired_at=None)
    for old in current:
        if all(getattr(old, name) == value for name, value in fields.items()):
            return old
        PayoutAccount.objects.filter(pk=old.pk).update(retired_at=now)
    return PayoutAccount.objects.create(owner=owner, changed_by=by, created_at=now, **fields)


def _clean_bic(text: str) -> str:
    bic = "".join(text.split()).upper()
    if bic and not _BIC.fullmatch(bic):
        raise BadBic
    return bic
