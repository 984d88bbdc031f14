"""Reads of the scores: the events that go in, and the rows that come out."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from django.db.models import F, OuterRef, Prefetch, QuerySet, Subquery

from creators.audience.models import ProductClick, QualifiedView
from creators.live.models import LiveSession, Pin, ShowState
from creators.pieces import referral
from creators.pieces.models import Piece, PieceProduct
from creators.profiles.models import Creator
from creators.profiles.queries import sees_all_scores
from creators.scoring.evidence import Click, Evidence, Sale, ShownPiece, Subject
from creators.scoring.models import Formula, Indicator, Score, Snapshot
from shops.accounts.models import Address, User
from shops.catalog.models import Product, ShopStaff
from shops.orders.models import Order, OrderLine, OrderState
from shops.stock.models import Stock


def active_formula(*, now: datetime) -> Formula:
    """Find the formula that counts at an instant.

    :raises Formula.DoesNotExist: none was published by then
    """
    return Formula.objects.filter(active_from__lte=now).latest("version")


def snapshot_of_day(*, formula: Formula, now: datetime) -> Snapshot | None:
    """Find the snapshot whose peers' figures are frozen for today."""
    start = _midnight(now.astimezone(UTC).date())
    snapshots = Snapshot.objects.filter(
        formula=formula, taken_at__gte=start, taken_at__lt=start + timedelta(days=1)
    )
    return snapshots.order_by("-taken_at", "-pk").first()


def latest_scores(*, creator_id: int) -> dict[str, Score]:
    """Find the newest row of each indicator."""
    return latest_scores_of([creator_id]).get(creator_id, {})


def latest_scores_of(creator_ids: Collection[int]) -> dict[int, dict[str, Score]]:
    """Find the newest row of each indicator of several creators."""
    rows = Score.objects.filter(creator_id__in=creator_ids, superseded_by__isnull=True)
    found: dict[int, dict[str, Score]] = {}
    for row in rows.select_related("snapshot", "formula"):
        found.setdefault(row.creator_id, {})[row.indicator] = row
    return found


def history(*, creator_id: int, indicator: str, limit: int = 10) -> list[Score]:
    rows = Score.objects.filter(creator_id=creator_id, indicator=indicator)
    return list(rows.select_related("formula").order_by("-pk")[:limit])


def may_see(*, user: Any, creator: Creator) -> bool:
    """Tell whether somebody may see a creator's scores: the creator, operators and brands."""
    if not isinstance(user, User):
        return False
    return user.pk == creator.user_id or sees_all_scores(user)


def creators_by_score() -> QuerySet[Creator]:
    """List all creators with their `current` rows: best sellers first, provisional ones apart.

    `is_provisional` is None for who has no score yet; they come last.
    """
    current = Score.objects.filter(superseded_by__isnull=True).order_by("-indicator")
    sales = current.filter(creator=OuterRef("pk"), indicator=Indicator.SALES)
    return (
        Creator.objects.select_related("category")
        .annotate(
            sales=Subquery(sales.values("value")[:1]),
            is_provisional=Subquery(sales.values("is_provisional")[:1]),
        )
        .prefetch_related(Prefetch("scores", queryset=current, to_attr="current"))
        .order_by(
            F("is_provisional").asc(nulls_last=True), F("sales").desc(nulls_last=True), "name", "pk"
        )
    )


def creator_ids_of(referrals: Iterable[str]) -> list[int]:
    """Name the creators that an order's referrals credit; altered ones credit nobody."""
    credited = (referral.read(text) for text in set(referrals))
    return sorted({found.creator_id for found in credited if found})


def currency_of_most(*, now: datetime, days: int) -> str | None:
    """Name the currency that most referred orders of the window were paid in."""
    lines = _paid_lines(now=now, days=days)
    rehearsals = _rehearsals()
    orders = {
        (order_id, currency)
        for order_id, currency, text in lines.values_list("order_id", "order__currency", "referral")
        if (found := referral.read(text)) is None or found.piece_id not in rehearsals
    }
    counted = Counter(currency for _, currency in orders)
    return min(counted, key=lambda currency: (-counted[currency], currency), default=None)


def evidence(
    *, creator_ids: Sequence[int] | None, now: datetime, days: int, currency: str | None
) -> list[Evidence]:
    """Read the window's events of some creators (of all for None), ordered by creator.

    The window is the `days` UTC days that end today. Money in another currency than `currency`
    counts its buyer, but no value: there are no exchange rates here.
    """
    creators = Creator.objects.order_by("pk")
    if creator_ids is not None:
        creators = creators.filter(pk__in=creator_ids)
    subjects = _subjects(list(creators), now=now, days=days)
    ids = set(subjects)
    sales = _sales(ids, creator_ids=creator_ids, now=now, days=days, currency=currency)
    clicks: dict[int, list[Click]] = defaultdict(list)
    views: dict[int, list[int]] = defaultdict(list)
    today = now.astimezone(UTC).date()
    # A rehearsal is no show: nothing of it counts, not even while it goes on.
    window = {
        "day__gt": today - timedelta(days=days),
        "day__lte": today,
        "piece__live_session__rehearsal_of__isnull": True,
    }
    for pk, creator, viewer, day in ProductClick.objects.filter(
        piece__creator_id__in=ids, **window
    ).values_list("pk", "piece__creator_id", "viewer", "day"):
        clicks[creator].append(Click(id=pk, viewer=viewer, age=(today - day).days))
    own = {creator: f"u:{subject.user_id}" for creator, subject in subjects.items()}
    for pk, creator, viewer in QualifiedView.objects.filter(
        piece__creator_id__in=ids, **window
    ).values_list("pk", "piece__creator_id", "viewer"):
        if viewer != own[creator]:
            views[creator].append(pk)
    pieces = _pieces(ids, now=now, days=days)
    return [
        Evidence(
            subject=subject,
            sales=tuple(sorted(sales[creator], key=lambda sale: sale.order_id)),
            clicks=tuple(sorted(clicks[creator], key=lambda click: click.id)),
            views=tuple(sorted(views[creator])),
            pieces=tuple(sorted(pieces[creator], key=lambda piece: piece.id)),
        )
        for creator, subject in subjects.items()
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _age(at: datetime, now: datetime) -> int:
    """Count UTC days back from the snapshot's day."""
    return (now.astimezone(UTC).date() - at.astimezone(UTC).date()).days


def _window_start(now: datetime, days: int) -> datetime:
    return _midnight(now.astimezone(UTC).date() - timedelta(days=days - 1))


def address_key(address: Any) -> str:
    """Write an address (a dict or an Address) so that the same door gives the same text."""
    read = address.get if isinstance(address, dict) else lambda name: getattr(address, name, "")
    words = [str(read(name) or "") for name in ("line1", "postal_code", "city", "country")]
    return "|".join(re.sub(r"\W+", "", word.casefold()) for word in words)


def _subjects(creators: Sequence[Creator], *, now: datetime, days: int) -> dict[int, Subject]:
    users = {creator.user_id: creator.pk for creator in creators}
    addresses: dict[int, set[str]] = defaultdict(set)
    for address in Address.objects.filter(user_id__in=users):
        addresses[users[address.user_id]].add(address_key(address))
    for user_id, sent_to in Order.objects.filter(buyer_id__in=users).values_list(
        "buyer_id", "address"
    ):
        addresses[users[user_id]].add(address_key(sent_to))
    return {
        creator.pk: Subject(
            id=creator.pk,
            user_id=creator.user_id,
            category_id=creator.category_id,
            addresses=frozenset(addresses[creator.pk]),
            days=max(0, min(days - 1, _age(creator.created_at, now))),
        )
        for creator in creators
    }


def _paid_lines(*, now: datetime, days: int) -> Any:
    # What its buyer took back before the shop had it never was a sale, nor is what may yet be.
    return OrderLine.objects.exclude(referral="").filter(
        order__paid_at__gte=_window_start(now, days),
        order__paid_at__lte=now,
        order__released_at__isnull=False,
    )


def _rehearsals() -> frozenset[int]:
    """Name the pieces whose sales were trials, and count for nothing."""
    shows = LiveSession.objects.filter(rehearsal_of__isnull=False)
    return frozenset(shows.values_list("pk", flat=True))


def _sales(
    ids: set[int],
    *,
    creator_ids: Sequence[int] | None,
    now: datetime,
    days: int,
    currency: str | None,
) -> dict[int, list[Sale]]:
    """Read orders that were paid and released to their shops, with what is left of them.

    They count from then on, so that a show moves the scores of its evening; what is cancelled or
    given back later, up to the end of the return window and beyond, is taken off again. Amounts
    are goods at what was paid for them: less discounts, without shipping and taxes on top.
    """
    lines = _paid_lines(now=now, days=days).select_related("order")
    if creator_ids is not None:
        wanted = "|".join(str(int(creator)) for creator in creator_ids) or "0"
        lines = lines.filter(referral__regex=rf"^[a-z]+\.[0-9]+\.({wanted})\.")
    rehearsals = _rehearsals()
    amounts: dict[tuple[int, int], int] = defaultdict(int)
    orders: dict[int, Order] = {}
    for line in lines.order_by("pk"):
        credit = referral.read(line.referral)
        if credit is None or credit.creator_id not in ids or credit.piece_id in rehearsals:
            continue
        orders[line.order_id] = line.order
        amounts[credit.creator_id, line.order_id] += line.total_minor - line.discount_minor
    staff = set(
        ShopStaff.objects.filter(
            shop_id__in={order.shop_id for order in orders.values()},
            user_id__in={order.buyer_id for order in orders.values()},
        ).values_list("shop_id", "user_id")
    )
    sales: dict[int, list[Sale]] = defaultdict(list)
    for (creator, order_id), amount in amounts.items():
        order = orders[order_id]
        cancelled = order.state in (OrderState.CANCELLED, OrderState.EXPIRED)
        sales[creator].append(
            Sale(
                order_id=order_id,
                buyer_id=order.buyer_id,
                address=address_key(order.address),
                is_by_staff=(order.shop_id, order.buyer_id) in staff,
                age=_age(order.paid_at or now, now),
                amount_minor=amount if order.currency == (currency or order.currency) else 0,
                kept=Fraction(0)
                if cancelled or not order.total_minor
                else 1 - Fraction(order.refunded_minor, order.total_minor),
                is_sample=not order.total_minor,
            )
        )
    return sales


def _pieces(ids: set[int], *, now: datetime, days: int) -> dict[int, list[ShownPiece]]:
    """Read the shows that began and the videos of the window, with what they showed."""
    start = _window_start(now, days)
    sessions = {
        session.pk: session
        for session in LiveSession.objects.filter(
            piece__creator_id__in=ids,
            state__in=[ShowState.LIVE, ShowState.ENDED],
            started_at__gte=start,
            started_at__lte=now,
            rehearsal_of__isnull=True,
        )
    }
    videos = Piece.objects.filter(
        creator_id__in=ids, kind=Piece.Kind.VIDEO, created_at__gte=start, created_at__lte=now
    )
    pieces = [*Piece.objects.filter(pk__in=sessions), *videos]
    shown: dict[int, set[int]] = defaultdict(set)
    rows = PieceProduct.objects.filter(
        piece__in=pieces, product__status=Product.Status.ACTIVE
    ).values_list("piece_id", "product_id")
    for piece_id, product_id in rows:
        shown[piece_id].add(product_id)
    in_stock = set(
        Stock.objects.filter(
            sku__product_id__in={p for products in shown.values() for p in products},
            sku__is_active=True,
            on_hand__gt=F("reserved"),
        ).values_list("sku__product_id", flat=True)
    )
    pins: dict[int, list[Pin]] = defaultdict(list)
    for pin in Pin.objects.filter(session__in=sessions, pinned_at__lte=now).order_by("pk"):
        pins[pin.session_id].append(pin)
    found: dict[int, list[ShownPiece]] = defaultdict(list)
    for piece in pieces:
        session = sessions.get(piece.pk)
        mine = pins[piece.pk]
        began = session.started_at if session and session.started_at else piece.created_at
        # What a show had in its bag but never pinned was not shown.
        pinned_products = frozenset(pin.product_id for pin in mine)
        found[piece.creator_id].append(
            ShownPiece(
                id=piece.pk,
                is_video=piece.kind == Piece.Kind.VIDEO,
                age=_age(began, now),
                has_valid_product=bool(shown[piece.pk]),
                is_in_stock=bool(shown[piece.pk] & in_stock),
                products=pinned_products if session else frozenset(shown[piece.pk]),
                pinned=_pinned_per_day(session, mine, now) if session else (),
                pin_ids=tuple(pin.pk for pin in mine),
            )
        )
    return found


def _pinned_per_day(
    session: LiveSession, pins: Sequence[Pin], now: datetime
) -> tuple[tuple[int, float], ...]:
    """Add up the seconds live with a pin, cut at midnight UTC."""
    seconds: dict[int, float] = defaultdict(float)
    over = min(now, session.ended_at or now)
    for pin in pins:
        at = max(pin.pinned_at, session.started_at or pin.pinned_at).astimezone(UTC)
        until = min(pin.unpinned_at or over, over).astimezone(UTC)
        while at < until:
            cut = min(until, _midnight(at.date() + timedelta(days=1)))
            seconds[_age(at, now)] += (cut - at).total_seconds()
            at = cut
    return tuple(sorted(seconds.items()))
