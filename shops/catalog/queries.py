"""Reads of shops and products; stock is reached through the SKU, not through its room."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import Min, Prefetch, Q, QuerySet
from django.db.models.functions import Now

from shops.accounts.models import Role, User
from shops.catalog.models import Product, ProductImage, Shop, Sku
from shops.facts.refused import NotAllowed, NotFound


@dataclass(frozen=True)
class Card:
    """What a product's card shows: its lowest price, its first picture."""

    product_id: int
    title: str
    url: str
    image_url: str
    image_alt: str
    price_minor: int
    compare_at_minor: int | None
    currency: str
    shop_name: str
    is_sold_out: bool


@dataclass(frozen=True)
class Choice:
    """A variant on a product's page."""

    sku_id: int
    text: str
    price_minor: int
    compare_at_minor: int | None
    currency: str
    available: int

    @property
    def is_sold_out(self) -> bool:
        return self.available < 1


@dataclass(frozen=True)
class ChoiceGroup:
    """Variants that share the values of all options but the last."""

    legend: str
    choices: Sequence[Choice]


@dataclass(frozen=True)
class ProductPage:
    product: Product
    shop: Shop
    images: Sequence[ProductImage]
    groups: Sequence[ChoiceGroup]
    chosen: Choice | None

    @property
    def choices(self) -> list[Choice]:
        return [choice for group in self.groups for choice in group.choices]

    @property
    def sold_out(self) -> list[tuple[int, str]]:
        """List the SKUs that are sold out, each with the text of all its options."""
        return [
            (choice.sku_id, f"{group.legend} / {choice.text}" if self._has_groups else choice.text)
            for group in self.groups
            for choice in group.choices
            if choice.is_sold_out
        ]

    @property
    def _has_groups(self) -> bool:
        return len(self.groups) > 1

    @property
    def has_options(self) -> bool:
        return len(self.choices) > 1


def with_deals(skus: QuerySet[Sku]) -> QuerySet[Sku]:
    """Load SKUs with their deals, of several that run the lowest: `prices_of` reads it.

    Like stock they are reached through the SKU, not through their room.
    """
    running = Q(deals__starts_at__lte=Now(), deals__ends_at__gt=Now())
    return skus.annotate(deal_minor=Min("deals__price_minor", filter=running))


def _with_goods(products: QuerySet[Product]) -> QuerySet[Product]:
    skus = with_deals(Sku.objects.filter(is_active=True).select_related("stock"))
    skus = skus.order_by("position", "id")
    images = ProductImage.objects.order_by("position", "id")
    return products.select_related("shop").prefetch_related(
        Prefetch("skus", queryset=skus, to_attr="shown_skus"),
        Prefetch("images", queryset=images, to_attr="shown_images"),
    )


def available_of(sku: Sku) -> int:
    """Count the free units of a SKU that came with its stock."""
    stock = getattr(sku, "stock", None)
    return stock.available if stock is not None else 0


def prices_of(sku: Sku) -> tuple[int, int | None]:
    """Give the price of a SKU now, and the one that it is lower than (None for none).

    A SKU that did not come with its deals has its own price.
    """
    deal: int | None = getattr(sku, "deal_minor", None)
    if deal is not None and deal < sku.price_minor:
        return deal, sku.price_minor
    return sku.price_minor, sku.compare_at_minor


def active_products(*, shop: Shop | None = None, text: str = "") -> QuerySet[Product]:
    """List what is for sale, newest first; with `text`, only titles that contain each word."""
    rows = Product.objects.filter(
        status=Product.Status.ACTIVE, shop__is_active=True, skus__is_active=True
    ).distinct()
    if shop is not None:
        rows = rows.filter(shop=shop)
    for word in text.split()[:8]:
        rows = rows.filter(title__icontains=word)
    return _with_goods(rows).order_by("-id")


def cards(products: Iterable[Product]) -> list[Card]:
    """Turn products of `active_products` or `products_by_id` into cards, in their order."""
    made = []
    for product in products:
        skus: list[Sku] = product.shown_skus  # type: ignore[attr-defined]
        images: list[ProductImage] = product.shown_images  # type: ignore[attr-defined]
        if not skus:
            continue
        free = [sku for sku in skus if available_of(sku) > 0]
        cheapest = min(free or skus, key=lambda sku: prices_of(sku)[0])
        price_minor, compare_at_minor = prices_of(cheapest)
        made.append(
            Card(
                product_id=product.pk,
                title=product.title,
                url=product.url,
                image_url=images[0].url if images else "",
                image_alt=images[0].alt if images else "",
                price_minor=price_minor,
                compare_at_minor=compare_at_minor,
                currency=cheapest.currency,
                shop_name=product.shop.name,
                is_sold_out=not free,
            )
        )
    return made


def products_by_id(ids: Iterable[int]) -> QuerySet[Product]:
    """Find active products with what their cards need."""
    return _with_goods(Product.objects.filter(pk__in=list(ids), status=Product.Status.ACTIVE))


def active_shop(*, slug: str) -> Shop:
    """Find a shop that sells.

    :raises NotFound: there is none
    """
    shop = Shop.objects.filter(slug=slug, is_active=True).first()
    if shop is None:
        raise NotFound
    return shop


def product_page(*, shop_slug: str, handle: str, sku_id: int | None = None) -> ProductPage:
    """Gather a product's page; the choice is the given SKU or the first, of those in stock.

    :raises NotFound: there is no such product for sale
    """
    product = (
        _with_goods(Product.objects.all())
        .filter(
            shop__slug=shop_slug,
            shop__is_active=True,
            handle=handle,
            status=Product.Status.ACTIVE,
        )
        .first()
    )
    if product is None:
        raise NotFound
    skus: list[Sku] = product.shown_skus  # type: ignore[attr-defined]
    groups: dict[str, list[Choice]] = {}
    for sku in skus:
        price_minor, compare_at_minor = prices_of(sku)
        groups.setdefault(" / ".join(sku.options[:-1]), []).append(
            Choice(
                sku_id=sku.pk,
                text=sku.options[-1] if sku.options else "",
                price_minor=price_minor,
                compare_at_minor=compare_at_minor,
                currency=sku.currency,
                available=available_of(sku),
            )
        )
    choices = [choice for group in groups.values() for choice in group]
    in_stock = [choice for choice in choices if not choice.is_sold_out]
    wanted = [choice for choice in in_stock if choice.sku_id == sku_id]
    chosen = next(iter(wanted or in_stock or choices), None)
    return ProductPage(
        product=product,
        shop=product.shop,
        images=product.shown_images,  # type: ignore[attr-defined]
        groups=[
            ChoiceGroup(legend or (product.option_names or [""])[-1], group)
            for legend, group in groups.items()
        ],
        chosen=chosen,
    )


def is_operator(*, user: User | AnonymousUser) -> bool:
    """Tell whether a user runs the site."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or user.grants.filter(role=Role.OPERATOR).exists()


def managed_shops(*, user: User | AnonymousUser) -> QuerySet[Shop]:
    """List the shops that a user may manage: those they are staff of, all for operators."""
    if not isinstance(user, User):
        return Shop.objects.none()
    shops = Shop.objects.order_by("name")
    return shops if is_operator(user=user) else shops.filter(staff__user=user)


def managed_shop(*, user: User | AnonymousUser, slug: str) -> Shop:
    """Find a shop that a user may manage.

    :raises NotAllowed: the user is neither its staff nor an operator, or it does not exist
    """
    shop = managed_shops(user=user).filter(slug=slug).first()
    if shop is None:
        raise NotAllowed
    return shop
