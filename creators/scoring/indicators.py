"""The indicators of scoring.md: figures and peers in, a value of 0..100 with its interval out.

Bounds of a formula with several rates: each rate is replaced by its own 5 % (95 %) quantile, all at
once; counts (views, buyers, products, money) enter as they are. Every formula rises with each of
its rates, so the bounds hold the value, and the interval is wider than a joint one would be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from creators.scoring.evidence import AssiduityFigures, Figures, SalesFigures
from creators.scoring.peers import Peers, gpm
from creators.scoring.primitives import Prior, Rate, interval, percentile_rank, post, sat

STEP = Decimal("0.0001")


@dataclass(frozen=True)
class Estimate:
    """A rate's posterior mean and its bounds."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, prior: Prior, rate: Rate, constants: Mapping[str, Any]) -> "Estimate":
        low, high = interval(
            prior, rate, low=constants["interval"][0], high=constants["interval"][1]
        )
        mean = post(prior, rate)
        # A very skewed posterior may have its mean outside of the quantiles.
        return cls(mean=mean, low=min(low, mean), high=max(high, mean))

    def as_json(self) -> dict[str, float]:
        return {"mean": round(self.mean, 6), "low": round(self.low, 6), "high": round(self.high, 6)}


@dataclass(frozen=True)
class Result:
    """A score; `inputs` is plain JSON that its creator can read."""

    value: Decimal
    low: Decimal
    high: Decimal
    inputs: dict[str, Any]


def sales_ability(
    figures: SalesFigures, *, creator_id: int, peers: Peers, constants: Mapping[str, Any]
) -> Result:
    """Calculate 100·min(1, post(K)/κ_c)·[.4·PR(GPM) + .3·PR(post(X)) + .3·PR(b)]."""
    parts = constants["sales"]
    own_gpm = gpm(
        figures,
        cap=peers.cap_minor,
        per_view=peers.gmv_per_view,
        shrink=parts["gpm_shrink_views"],
    )
    kept = Estimate.of(peers.kept, figures.kept, constants)
    clicked = Estimate.of(peers.clicked, figures.clicked, constants)
    gpm_rank = percentile_rank(own_gpm, list({**peers.gpm, creator_id: own_gpm}.values()))
    buyers_rank = percentile_rank(
        figures.buyers, list({**peers.buyers, creator_id: figures.buyers}.values())
    )
    conversions = list({**peers.conversion, creator_id: clicked.mean}.values())

    def score(keep: float, convert: float) -> Decimal:
        return _points(
            min(1.0, keep / peers.kept_median)
            * (
                parts["gpm"] * gpm_rank
                + parts["conversion"] * percentile_rank(convert, conversions)
                + parts["buyers"] * buyers_rank
            )
        )

    return Result(
        value=score(kept.mean, clicked.mean),
        low=score(kept.low, clicked.low),
        high=score(kept.high, clicked.high),
        inputs={
            "buyers": figures.buyers,
            "gmv_minor": figures.gmv_minor(peers.cap_minor),
            "views": figures.views,
            "clickers": figures.clickers,
            "gpm_minor": round(own_gpm),
            "kept": kept.as_json(),
            "kept_median": round(peers.kept_median, 6),
            "conversion": clicked.as_json(),
            "ranks": {
                "gpm": round(gpm_rank, 6),
                "conversion": round(percentile_rank(clicked.mean, conversions), 6),
                "buyers": round(buyers_rank, 6),
            },
            "left_out": dict(figures.left_out),
            "peers": {"scope": peers.scope, "size": len(conversions)},
        },
    )


def assiduity(figures: AssiduityFigures, *, peers: Peers, constants: Mapping[str, Any]) -> Result:
    """Calculate 100·[.5·post(day) + .3·min(1, post(tag)/.5) + .2·sat(P; 20)]."""
    parts = constants["assiduity"]
    day = Estimate.of(peers.day, figures.day, constants)
    tag = Estimate.of(peers.tag, figures.tag, constants)
    shown = sat(figures.products, parts["products_half"])

    def score(active: float, tagged: float) -> Decimal:
        return _points(
            parts["day"] * active
            + parts["tag"] * min(1.0, tagged / parts["tag_target"])
            + parts["products"] * shown
        )

    return Result(
        value=score(day.mean, tag.mean),
        low=score(day.low, tag.low),
        high=score(day.high, tag.high),
        inputs={
            "active_days": figures.active_days,
            "days": figures.days,
            "day": day.as_json(),
            "lives": figures.lives,
            "videos": figures.videos,
            "tag": tag.as_json(),
            "products": figures.products,
            "products_share": round(shown, 6),
            "peers": {"scope": peers.scope, "size": peers.size},
        },
    )


def is_provisional(figures: Figures, constants: Mapping[str, Any]) -> bool:
    """Tell whether there is too little to rank by: few valid orders, or few videos and LIVEs."""
    least = constants["provisional"]
    few_pieces = (
        figures.assiduity.videos < least["videos"] and figures.assiduity.lives < least["lives"]
    )
    return bool(few_pieces or figures.sales.buyers < least["orders"])


def _points(share: float) -> Decimal:
    """Turn a share of 1 into 0..100 with four digits."""
    return (Decimal(repr(min(1.0, max(0.0, share)))) * 100).quantize(STEP)
