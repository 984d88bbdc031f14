"""Vouchers: which codes count, counting their uses, and what sellers set."""

import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, TypedDict

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Shop
from shops.facts.refused import Invalid, NotFound, Refused
from shops.facts.transactions import whole
from shops.ledger.money import Money
from shops.pricing.calculation import Reduction
from shops.pricing.models import Voucher, VoucherUse
from shops.pricing.queries import uses_by

_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9_-]{2,39}")


class VoucherRefused(Refused):
    """`extra`: the `voucher_code` that does not count."""

    code = "voucher_refused"
    message = _("This voucher can't be used here.")
    status = 422


class VoucherUsedUp(Refused):
    """`extra`: the `voucher_code` that others have used up meanwhile."""

    code = "voucher_used_up"
    message = _("This voucher was used up a moment ago. The price is worked out without it now.")


class BadVoucher(Invalid):
    code = "bad_voucher"
    message = _("A voucher like that is not possible.")


class VoucherFields(TypedDict):
    """What a seller sets; `bps` counts for a percentage, `amount_minor` for an amount."""

    code: str
    kind: str
    bps: int
    amount_minor: int
    min_minor: int
    starts_at: datetime
    ends_at: datetime | None
    most_uses: int | None
    most_per_buyer: int | None


def applicable(
    *,
    codes: Collection[str],
    goods: Mapping[int, int],
    vouchers: Iterable[Voucher],
    used: Mapping[int, int],
    is_strict: bool,
    now: datetime,
) -> dict[int, Reduction]:
    """Find the voucher that counts in each shop; of several the one that takes most off.

    :param goods: by shop, what its goods cost
    :param vouchers: those of these shops that go by the codes, with their shops; others are left
    :param used: by voucher, how often the buyer has used it
    :raises VoucherRefused: strictly, a code counts in no shop, and why
    """
    best: dict[int, Reduction] = {}
    why: dict[str, str | Promise] = {
        code.strip().upper(): _("This code is not known in the shops that you buy from.")
        for code in codes
    }
    fine = set()
    for voucher in vouchers:
        if voucher.code not in why or voucher.shop_id not in goods:
            continue
        reason = _why_not(voucher, goods[voucher.shop_id], used.get(voucher.pk, 0), now)
        if reason is not None:
            why[voucher.code] = reason
            continue
        fine.add(voucher.code)
        one = Reduction(
            voucher.pk, voucher.shop_id, voucher.code, voucher.bps, voucher.amount_minor
        )
        worth = goods[voucher.shop_id]
        if voucher.shop_id not in best or one.of(worth) > best[voucher.shop_id].of(worth):
            best[voucher.shop_id] = one
    for code, reason in why.items():
        if is_strict and code not in fine:
            raise VoucherRefused(reason, voucher_code=code[:40])
    return best


def _why_not(voucher: Voucher, goods: int, used: int, now: datetime) -> str | Promise | None:
    if voucher.starts_at > now:
        return _("This voucher does not count yet.")
    if voucher.is_over(now):
        return _("This voucher is over.")
    if voucher.most_uses is not None and voucher.used >= voucher.most_uses:
        return _("This voucher is used up.")
    if voucher.most_per_buyer is not None and used >= voucher.most_per_buyer:
        return _("You have used this voucher as often as one can.")
    if goods < voucher.min_minor:
        least = Money(voucher.min_minor, voucher.shop.currency)
        return _("This voucher counts from %(least)s of the shop's goods.") % {"least": least}
    return None


@whole
def use_vouchers(
    *, discounts: Mapping[int, int], buyer_id: int, purchase_id: uuid.UUID, now: datetime
) -> None:
    """Count the uses of vouchers (id → what it took off) in a purchase, all or none.

    Guarded by one conditional update per voucher, in key order: however many order at once, no
    voucher is used more than `most_uses` times. A buyer's own orders come one after the other
    (one open quote each), so their uses are simply counted.

    :raises VoucherUsedUp: others have used one up, or the buyer has
    """
    if not discounts:
        return
    used = uses_by(buyer_ids=[buyer_id], voucher_ids=list(discounts))
    for voucher_id in sorted(discounts):
        fits = Q(most_uses__isnull=True) | Q(used__lt=F("most_uses"))
        mine = Q(most_per_buyer__isnull=True) | Q(
            most_per_buyer__gt=used.get((buyer_id, voucher_id), 0)
        )
        if not Voucher.objects.filter(fits, mine, pk=voucher_id).update(used=F("used") + 1):
            code = Voucher.objects.values_list("code", flat=True).get(pk=voucher_id)
            raise VoucherUsedUp(voucher_code=code)
    VoucherUse.objects.bulk_create(
        VoucherUse(
            voucher_id=voucher_id,
            buyer_id=buyer_id,
            purchase_id=purchase_id,
            discount_minor=discount,
            used_at=now,
        )
        for voucher_id, discount in sorted(discounts.items())
    )


@transaction.atomic
def give_vouchers_back(*, purchase_id: uuid.UUID, shop_id: int, now: datetime) -> int:
    """Give the vouchers of a shop back that an order of it used which came to nothing.

    Twice is the same as once. Returns how many were given back.
    """
    uses = VoucherUse.objects.filter(
        purchase_id=purchase_id, voucher__shop_id=shop_id, given_back_at=None
    )
    given = 0
    for pk, voucher_id in uses.order_by("voucher_id").values_list("pk", "voucher_id"):
        mine = VoucherUse.objects.filter(pk=pk, given_back_at=None)
        if mine.update(given_back_at=now):
            Voucher.objects.filter(pk=voucher_id).update(used=F("used") - 1)
            given += 1
    return given


@transaction.atomic
def use_vouchers_again(*, purchase_id: uuid.UUID, shop_id: int) -> int:
    """Count vouchers that were given back, as the order that used them is paid all the same.

    One that others have used up meanwhile stays given back: the order keeps its price. Returns how
    many are counted again.
    """
    uses = VoucherUse.objects.filter(
        purchase_id=purchase_id, voucher__shop_id=shop_id, given_back_at__isnull=False
    )
    again = 0
    for pk, voucher_id in uses.order_by("voucher_id").values_list("pk", "voucher_id"):
        fits = Q(most_uses__isnull=True) | Q(used__lt=F("most_uses"))
        if Voucher.objects.filter(fits, pk=voucher_id).update(used=F("used") + 1):
            VoucherUse.objects.filter(pk=pk).update(given_back_at=None)
            again += 1
    return again


@transaction.atomic
def save_voucher(*, shop: Shop, voucher_id: int | None = None, fields: VoucherFields) -> Voucher:
    """Add a voucher to a shop, or change one; what was ordered with it stays as it is.

    :raises BadVoucher: the code can't be one or is taken, or the numbers make no sense
    :raises NotFound: the shop has no such voucher
    """
    code = fields["code"].strip().upper()
    if not _CODE.fullmatch(code):
        raise BadVoucher(_("A code is 3 to 40 letters from A to Z, digits, “-” or “_”."))
    ends_at = fields["ends_at"]
    if ends_at is not None and ends_at <= fields["starts_at"]:
        raise BadVoucher(_("A voucher ends after it starts."))
    is_percent = fields["kind"] == Voucher.Kind.PERCENT
    values = {
        **fields,
        "code": code,
        "bps": fields["bps"] if is_percent else 0,
        "amount_minor": 0 if is_percent else fields["amount_minor"],
    }
    try:
        with transaction.atomic():
            if voucher_id is None:
                return Voucher.objects.create(shop=shop, **values)
            mine = Voucher.objects.filter(pk=voucher_id, shop=shop)
            if not mine.update(**values):
                raise NotFound
            return mine.get()
    except IntegrityError as error:
        if "pricing_voucher_code" in str(error):
            raise BadVoucher(_("Your shop has a voucher with this code.")) from None
        if "pricing_voucher_uses" in str(error):
            raise BadVoucher(_("It has been used more often than that already.")) from None
        raise BadVoucher from None


def end_voucher(*, shop: Shop, voucher_id: int, now: datetime) -> None:
    """Let a voucher count no longer; quotes that count it in are honoured.

    :raises NotFound: the shop has no such voucher
    """
    mine = Voucher.objects.filter(pk=voucher_id, shop=shop)
    if mine.filter(Q(ends_at=None) | Q(ends_at__gt=now)).update(ends_at=now):
        return
    if not mine.exists():
        raise NotFound
