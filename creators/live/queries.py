"""Reads of shows: what is on, the bag and the pin as a viewer sees them, what a show sold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Prefetch, QuerySet, Sum
from django.db.models.functions import Coalesce, NullIf

from creators.audience.models import QualifiedView
from creators.live.models import LiveSession, Pin, ShowState
from creators.pieces import referral
from creators.pieces.models import PieceProduct
from creators.profiles.models import Creator
from shops.catalog.models import Product, ProductImage, Sku
from shops.catalog.queries import prices_of, with_deals
from shops.facts.refused import NotFound
from shops.orders.models import OrderLine

_BPS = 10_000
# From here down the page says that it is getting tight.
LOW_STOCK = 5


@dataclass(frozen=True)
class Offer:
    """One SKU of a product in a bag; a higher `rev` is a newer stock figure."""

    sku_id: int
    options_text: str
    price_minor: int
    compare_at_minor: int | None
    currency: str
    available: int
    rev: int

    @property
    def is_sold_out(self) -> bool:
        return self.available <= 0

    @property
    def is_reduced(self) -> bool:
        return self.compare_at_minor is not None and self.compare_at_minor > self.price_minor


@dataclass(frozen=True)
class BagItem:
    """A product of a show as a viewer sees it; `referral` credits a sale from it to the show."""

    product_id: int
    handle: str
    title: str
    url: str
    shop_id: int
    shop_name: str
    image_url: str
    image_alt: str
    position: int
    pin_id: int | None
    referral: str
    offers: tuple[Offer, ...]

    @property
    def is_pinned(self) -> bool:
        return self.pin_id is not None

    @property
    def available(self) -> int:
        return sum(max(0, offer.available) for offer in self.offers)

    @property
    def is_sold_out(self) -> bool:
        return self.available == 0

    @property
    def is_low(self) -> bool:
        return 0 < self.available <= LOW_STOCK

    @property
    def has_options(self) -> bool:
        return len(self.offers) > 1

    @property
    def cheapest(self) -> Offer:
        return min(self.offers, key=lambda offer: offer.price_minor)

    @property
    def first_choice(self) -> Offer:
        """The offer to choose at first: the first that can be bought, else the first."""
        return next((offer for offer in self.offers if not offer.is_sold_out), self.offers[0])

    @property
    def has_price_range(self) -> bool:
        return len({offer.price_minor for offer in self.offers}) > 1


@dataclass(frozen=True)
class ShowFigures:
    """What a show sold, in the currency that it sold most in; amounts in minor units.

    `orders` and `units` count all currencies. Net is what is left after refunds and the platform's
    fee, before the creator's commission is split from it.
    """

    orders: int
    units: int
    currency: str
    gmv_minor: int
    refunded_minor: int
    net_minor: int


@dataclass(frozen=True)
class SoldLine:
    """A paid line of a show; for the host's feed, without the buyer's name or address."""

    line_id: int
    title: str
    options_text: str
    quantity: int
    total_minor: int
    currency: str
    paid_at: datetime


def _shows() -> QuerySet[LiveSession]:
    return LiveSession.objects.select_related("piece__creator", "piece__category", "stream")


def public_shows() -> QuerySet[LiveSession]:
    """Select the shows that anybody may be told of: neither private ones nor rehearsals."""
    return _shows().filter(visibility=LiveSession.Visibility.PUBLIC, rehearsal_of__isnull=True)


def show(piece_id: int) -> LiveSession:
    """Find a show with its piece, creator and category.

    :raises NotFound: there is none
    """
    session = _shows().filter(pk=piece_id).first()
    if session is None:
        raise NotFound
    return session


def live_now(*, limit: int = 50) -> Sequence[LiveSession]:
    """List the public shows that are live, the newest first."""
    return list(public_shows().filter(state=ShowState.LIVE).order_by("-started_at")[:limit])


def upcoming(*, now: datetime, limit: int = 50) -> Sequence[LiveSession]:
    """List the public scheduled shows whose time has not come, the next first."""
    return list(
        public_shows()
        .filter(state=ShowState.SCHEDULED, scheduled_at__gte=now)
        .order_by("scheduled_at")[:limit]
    )


def shows_of(creator: Creator) -> Sequence[LiveSession]:
    """List all shows of a creator but rehearsals, the newest first; for the creator's own eyes."""
    return list(
        _shows()
        .select_related("replay")
        .filter(piece__creator=creator, rehearsal_of__isnull=True)
        .order_by("-scheduled_at", "-pk")
    )


def public_shows_of(creator: Creator) -> Sequence[LiveSession]:
    """List the shows of a creator that anybody may be told of, the newest first."""
    return list(public_shows().filter(piece__creator=creator).order_by("-scheduled_at", "-pk"))


def rehearsal_of(session: LiveSession) -> LiveSession | None:
    """Find the rehearsal of a show that goes on now."""
    return _shows().filter(rehearsal_of=session, state=ShowState.LIVE).first()


def current_pin(session: LiveSession) -> Pin | None:
    """Find the open pin of a show; none when its product is no longer sold."""
    return (
        Pin.objects.select_related("product")
        .filter(
            session=session,
            unpinned_at__isnull=True,
            product__status=Product.Status.ACTIVE,
        )
        .first()
    )


def pin_history(session: LiveSession) -> Sequence[Pin]:
    """List all pins of a show with their times, the newest first."""
    return list(
        Pin.objects.select_related("product").filter(session=session).order_by("-pinned_at", "-pk")
    )


def image_url(image: ProductImage | None) -> str:
    """Return where a browser finds a picture; "" for none."""
    return image.url if image is not None else ""


def bag(session: LiveSession) -> Sequence[BagItem]:
    """List the products of a show that are sold, the pinned one first, with stock and prices.

    A constant number of queries, however large the bag is.
    """
    pin = current_pin(session)
    creator_id = session.piece.creator_id
    shown = (
        PieceProduct.objects.select_related("product__shop")
        .prefetch_related(
            "product__images",
            Prefetch("product__skus", with_deals(Sku.objects.select_related("stock"))),
        )
        .filter(
            piece_id=session.pk,
            removed_at__isnull=True,
            product__status=Product.Status.ACTIVE,
        )
        .order_by("position", "pk")
    )
    items = []
    for entry in shown:
        product = entry.product
        pin_id = pin.pk if pin is not None and pin.product_id == product.pk else None
        offers = _offers(product)
        if not offers:
            continue
        images = sorted(product.images.all(), key=lambda image: (image.position, image.pk))
        image = images[0] if images else None
        items.append(
            BagItem(
                product_id=product.pk,
                handle=product.handle,
                title=product.title,
                url=product.url,
                shop_id=product.shop_id,
                shop_name=product.shop.name,
                image_url=image_url(image),
                image_alt=image.alt if image else "",
                position=entry.position,
                pin_id=pin_id,
                referral=referral.make(session.pk, creator_id, pin_id),
                offers=offers,
            )
        )
    items.sort(key=lambda item: not item.is_pinned)
    return items


def _offers(product: Product) -> tuple[Offer, ...]:
    skus = sorted(product.skus.all(), key=lambda sku: (sku.position, sku.pk))
    return tuple(
        Offer(
            sku_id=sku.pk,
            options_text=sku.options_text,
            price_minor=prices_of(sku)[0],
            compare_at_minor=prices_of(sku)[1],
            currency=sku.currency,
            available=sku.stock.available if hasattr(sku, "stock") else 0,
            rev=sku.stock.rev if hasattr(sku, "stock") else 0,
        )
        for sku in skus
        if sku.is_active
    )


def addable_products(
    session: LiveSession, *, words: str = "", limit: int = 30
) -> Sequence[Product]:
    """List partner shops' products that are not in the bag and have all words in the title."""
    products = (
        Product.objects.select_related("shop")
        .prefetch_related("images")
        .filter(
            status=Product.Status.ACTIVE,
            shop__is_active=True,
            shop__partners__creator_id=session.piece.creator_id,
        )
        .exclude(shown_in__piece_id=session.pk, shown_in__removed_at__isnull=True)
    )
    for word in words.split()[:5]:
        products = products.filter(title__icontains=word)
    return list(products.order_by("title", "pk")[:limit])


def partner_products(creator: Creator) -> QuerySet[Product]:
    """Select the products that a creator may show."""
    return (
        Product.objects.select_related("shop")
        .filter(
            status=Product.Status.ACTIVE,
            shop__is_active=True,
            shop__partners__creator=creator,
        )
        .order_by("shop__name", "title")
    )


def _paid_lines(piece_id: int) -> QuerySet[OrderLine]:
    # The exclusion repeats the condition of the index, so that PostgreSQL may use it.
    return OrderLine.objects.filter(
        referral__startswith=referral.prefix(piece_id), order__paid_at__isnull=False
    ).exclude(referral="")


def show_figures(piece_id: int) -> ShowFigures:
    """Count what a piece sold: paid orders, units, GMV, and net after refunds and platform fee.

    GMV is goods at what was paid for them: less discounts, without shipping and taxes on top. A
    refund of part of an order is shared over all that was paid for it by amounts; shares and fees
    are rounded half up per line.
    """
    whole = BigIntegerField()
    total = F("quantity") * F("unit_price_minor") - F("discount_minor")
    order_total = NullIf(F("order__total_minor"), 0)
    refund = ExpressionWrapper(
        (total * F("order__refunded_minor") + order_total / 2) / order_total, output_field=whole
    )
    rows = (
        _paid_lines(piece_id)
        .annotate(
            line_total=ExpressionWrapper(total, output_field=whole),
            line_refund=Coalesce(refund, 0, output_field=whole),
        )
        .annotate(kept=ExpressionWrapper(F("line_total") - F("line_refund"), output_field=whole))
        .annotate(
            fee=ExpressionWrapper((F("kept") * F("fee_bps") + _BPS // 2) / _BPS, output_field=whole)
        )
        .values("order__currency")
        .annotate(
            orders=Count("order_id", distinct=True),
            units=Sum("quantity"),
            gmv=Sum("line_total"),
            refunded=Sum("line_refund"),
            fees=Sum("fee"),
        )
        .order_by("-gmv", "order__currency")
    )
    found = list(rows)
    if not found:
        return ShowFigures(0, 0, "EUR", 0, 0, 0)
    top = found[0]
    return ShowFigures(
        orders=sum(row["orders"] for row in found),
        units=sum(row["units"] for row in found),
        currency=top["order__currency"],
        gmv_minor=top["gmv"],
        refunded_minor=top["refunded"],
        net_minor=top["gmv"] - top["refunded"] - top["fees"],
    )


def recent_sales(piece_id: int, *, limit: int = 20) -> Sequence[SoldLine]:
    """List the lines of a piece that were paid last, the newest first."""
    lines = _paid_lines(piece_id).select_related("order").order_by("-order__paid_at", "-pk")[:limit]
    return [
        SoldLine(
            line_id=line.pk,
            title=line.title,
            options_text=line.options_text,
            quantity=line.quantity,
            total_minor=line.total_minor,
            currency=line.order.currency,
            paid_at=line.order.paid_at,
        )
        for line in lines
        if line.order.paid_at is not None
    ]


def qualified_viewers(piece_id: int) -> int:
    """Count the different people who stayed for a piece."""
    return QualifiedView.objects.filter(piece_id=piece_id).values("viewer").distinct().count()
