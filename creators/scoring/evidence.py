"""What a creator's scores are made from: frozen events, and the plain figures counted from them.

Pure: `queries` reads the events, `indicators` turns the figures into scores. Ages are whole days
before the snapshot's day, so a recalculation on the same day gives the same digits.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from creators.scoring.primitives import Rate, weight, winsorise

NO_EVENTS = Rate(s=0, n=0)


@dataclass(frozen=True)
class Subject:
    """The creator; `addresses` are theirs, `days` counts the finished days since they joined."""

    id: int
    user_id: int
    category_id: int | None
    addresses: frozenset[str]
    days: int


@dataclass(frozen=True)
class Sale:
    """One paid order's lines that this creator earned; `kept` is the share not given back."""

    order_id: int
    buyer_id: int
    address: str
    is_by_staff: bool
    age: int
    amount_minor: int
    kept: Fraction
    # It cost nothing: goods to try, not a sale.
    is_sample: bool = False

    @property
    def event_ids(self) -> list[str]:
        sold = f"order:{self.order_id}"
        return [sold] if self.kept == 1 else [sold, f"refund:{self.order_id}:{self.kept}"]


@dataclass(frozen=True)
class Click:
    id: int
    viewer: str
    age: int


@dataclass(frozen=True)
class ShownPiece:
    """A live show that began, or a video; `pinned` is seconds live with a pin, by age in days."""

    id: int
    is_video: bool
    age: int
    has_valid_product: bool
    is_in_stock: bool
    products: frozenset[int]
    pinned: tuple[tuple[int, float], ...] = ()
    pin_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Evidence:
    subject: Subject
    sales: tuple[Sale, ...] = ()
    clicks: tuple[Click, ...] = ()
    views: tuple[int, ...] = ()
    pieces: tuple[ShownPiece, ...] = ()

    def sales_sha256(self) -> str:
        ids = [i for sale in self.sales for i in sale.event_ids]
        ids += [f"click:{click.id}" for click in self.clicks]
        return digest([*ids, *(f"view:{view}" for view in self.views)])

    def assiduity_sha256(self) -> str:
        ids = [f"piece:{piece.id}" for piece in self.pieces]
        return digest([*ids, *(f"pin:{pin}" for piece in self.pieces for pin in piece.pin_ids)])


def digest(ids: Iterable[str]) -> str:
    """Return the SHA-256 of the sorted ids of the events that went in."""
    return hashlib.sha256("\n".join(sorted(set(ids))).encode()).hexdigest()


def why_left_out(sale: Sale, subject: Subject) -> str:
    """Say why a paid order is no valid order of this creator's; "" when it is one.

    Linked means the same delivery address; payment instruments and devices are not known yet.
    """
    if sale.buyer_id == subject.user_id:
        return "own"
    if sale.address in subject.addresses:
        return "linked"
    if sale.is_by_staff:
        return "staff"
    return "sample" if sale.is_sample else ""


@dataclass(frozen=True)
class SalesFigures:
    """What sales ability is counted from; `buyer_values` is each buyer's kept total, uncut."""

    buyer_values: tuple[int, ...] = ()
    views: int = 0
    clicked: Rate = NO_EVENTS
    kept: Rate = NO_EVENTS
    clickers: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def buyers(self) -> int:
        return len(self.buyer_values)

    def gmv_minor(self, cap: int | None) -> int:
        """Add up the net value, each buyer's cut at the category's 99th percentile."""
        return sum(winsorise(self.buyer_values, cap=cap))


@dataclass(frozen=True)
class AssiduityFigures:
    day: Rate = NO_EVENTS
    tag: Rate = NO_EVENTS
    products: int = 0
    active_days: int = 0
    days: int = 0
    videos: int = 0
    lives: int = 0


@dataclass(frozen=True)
class Figures:
    subject: Subject
    sales: SalesFigures
    assiduity: AssiduityFigures


def count(evidence: Evidence, constants: Mapping[str, Any]) -> Figures:
    """Count the figures of both indicators from a creator's events."""
    return Figures(
        subject=evidence.subject,
        sales=count_sales(evidence, constants),
        assiduity=count_assiduity(evidence, constants),
    )


def count_sales(evidence: Evidence, constants: Mapping[str, Any]) -> SalesFigures:
    """Count buyers, their value, clickers and what was kept; one buyer counts once.

    A buyer's kept share is the mean over their orders, at the weight of the newest. Everybody who
    bought is a clicker, whether the click reached us or not. Each refund lowers the kept share:
    whose fault one was is not recorded yet.
    """
    half_life = constants["half_life_days"]
    sales = {sale.order_id: sale for sale in evidence.sales}.values()
    reasons = {sale.order_id: why_left_out(sale, evidence.subject) for sale in sales}
    by_buyer: dict[int, list[Sale]] = defaultdict(list)
    for sale in sorted(sales, key=lambda sale: sale.order_id):
        if not reasons[sale.order_id]:
            by_buyer[sale.buyer_id].append(sale)
    values = {
        buyer: sum(int(sale.amount_minor * sale.kept) for sale in mine)
        for buyer, mine in by_buyer.items()
        if any(sale.kept > 0 for sale in mine)
    }
    kept = Rate.of(
        (
            weight(min(sale.age for sale in mine), half_life=half_life),
            float(sum(sale.kept for sale in mine) / len(mine)),
        )
        for mine in by_buyer.values()
    )
    newest: dict[str, int] = {}
    for click in evidence.clicks:
        newest[click.viewer] = min(click.age, newest.get(click.viewer, click.age))
    bought = {f"u:{buyer}" for buyer in values}
    for buyer in values:
        viewer, age = f"u:{buyer}", min(sale.age for sale in by_buyer[buyer])
        newest[viewer] = min(age, newest.get(viewer, age))
    newest.pop(f"u:{evidence.subject.user_id}", None)
    clicked = Rate.of(
        (weight(age, half_life=half_life), 1.0 if viewer in bought else 0.0)
        for viewer, age in newest.items()
    )
    return SalesFigures(
        buyer_values=tuple(sorted(values.values())),
        views=len(set(evidence.views)),
        clicked=clicked,
        kept=kept,
        clickers=len(newest),
        left_out=dict(sorted(Counter(r for r in reasons.values() if r).items())),
    )


def count_assiduity(evidence: Evidence, constants: Mapping[str, Any]) -> AssiduityFigures:
    """Count active days, pieces with a product and distinct products shown.

    A day counts when it had ≥ 30 min LIVE with a pinned product or a shoppable video in stock. The
    day that is not over is left out until it counts. Leave can't be declared yet, and finding
    near-duplicates comes with the videos.
    """
    half_life = constants["half_life_days"]
    enough = constants["assiduity"]["live_minutes"] * 60
    per_day: dict[int, list[ShownPiece]] = defaultdict(list)
    for piece in sorted({p.id: p for p in evidence.pieces}.values(), key=lambda piece: piece.id):
        per_day[piece.age].append(piece)
    counted = [
        piece
        for pieces in per_day.values()
        for piece in pieces[: constants["assiduity"]["pieces_per_day"]]
    ]
    pinned: dict[int, list[float]] = defaultdict(list)
    for piece in counted:
        for age, seconds in piece.pinned:
            pinned[age].append(seconds)
    active = {age for age, seconds in pinned.items() if sum(sorted(seconds)) >= enough}
    active |= {piece.age for piece in counted if piece.is_video and piece.is_in_stock}
    finished = range(1, evidence.subject.days + 1)
    days = set(finished) | active
    return AssiduityFigures(
        day=Rate.of(
            (weight(age, half_life=half_life), 1.0 if age in active else 0.0) for age in days
        ),
        tag=Rate.of(
            (weight(piece.age, half_life=half_life), 1.0 if piece.has_valid_product else 0.0)
            for piece in counted
        ),
        products=len({product for piece in counted for product in piece.products}),
        active_days=len(active),
        days=len(days),
        videos=sum(1 for piece in counted if piece.is_video),
        lives=sum(1 for piece in counted if not piece.is_video),
    )
