"""The peers' figures that a day's scores stand against; frozen in `Snapshot.peers` as JSON.

A creator's peer group is their category, or everybody while it has fewer than 30 creators. Each
group's figures are kept by creator, so that a creator's own fresh ones replace the frozen ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from creators.scoring.evidence import Figures, SalesFigures
from creators.scoring.primitives import Prior, Rate, fit_prior, median, percentile, post

EVERYBODY = "all"


@dataclass(frozen=True)
class Peers:
    """One group's figures; the maps are by creator id."""

    scope: str
    size: int
    cap_minor: int | None
    gmv_per_view: Fraction
    kept: Prior
    clicked: Prior
    day: Prior
    tag: Prior
    kept_median: float
    gpm: Mapping[int, Fraction]
    conversion: Mapping[int, float]
    buyers: Mapping[int, int]


def gpm(sales: SalesFigures, *, cap: int | None, per_view: Fraction, shrink: int) -> Fraction:
    """Return 1000·(G + 5000·g_c)/(v + 5000), exactly, in minor units per thousand views."""
    return 1000 * (sales.gmv_minor(cap) + shrink * per_view) / Fraction(sales.views + shrink)


def freeze(everybody: Sequence[Figures], constants: Mapping[str, Any]) -> dict[str, Peers]:
    """Measure each category that is large enough, and everybody together."""
    groups: dict[str, list[Figures]] = {EVERYBODY: list(everybody)}
    for figures in everybody:
        if figures.subject.category_id is not None:
            groups.setdefault(str(figures.subject.category_id), []).append(figures)
    return {
        name: _measure(name, members, constants)
        for name, members in groups.items()
        if name == EVERYBODY or len(members) >= constants["prior"]["min_group"]
    }


def of(frozen: Mapping[str, Peers], category_id: int | None) -> Peers:
    """Return the group that a creator of this category is measured against."""
    return frozen.get(str(category_id)) or frozen[EVERYBODY]


def _measure(name: str, members: Sequence[Figures], constants: Mapping[str, Any]) -> Peers:
    sales = {figures.subject.id: figures.sales for figures in members}
    cap = percentile(
        [value for one in sales.values() for value in one.buyer_values],
        constants["winsorise_at"],
    )
    views = sum(one.views for one in sales.values())
    gmv = sum(one.gmv_minor(cap) for one in sales.values())
    per_view = Fraction(gmv, views) if views else Fraction(0)

    def prior(rates: list[Rate]) -> Prior:
        bounds = constants["prior"]
        fitted = fit_prior(rates, min_m=bounds["min_m"], max_m=bounds["max_m"])
        # As it is stored, so that history can be calculated again to the digit.
        return Prior(mu=round(fitted.mu, 8), m=round(fitted.m, 6))

    kept = prior([one.kept for one in sales.values()])
    clicked = prior([one.clicked for one in sales.values()])
    return Peers(
        scope=name,
        size=len(members),
        cap_minor=cap,
        gmv_per_view=per_view,
        kept=kept,
        clicked=clicked,
        day=prior([figures.assiduity.day for figures in members]),
        tag=prior([figures.assiduity.tag for figures in members]),
        kept_median=median([post(kept, one.kept) for one in sales.values()] or [kept.mu]),
        gpm={
            creator: gpm(
                one, cap=cap, per_view=per_view, shrink=constants["sales"]["gpm_shrink_views"]
            )
            for creator, one in sales.items()
        },
        conversion={creator: post(clicked, one.clicked) for creator, one in sales.items()},
        buyers={creator: one.buyers for creator, one in sales.items()},
    )


def to_json(frozen: Mapping[str, Peers]) -> dict[str, Any]:
    return {
        name: {
            "size": peers.size,
            "cap_minor": peers.cap_minor,
            "gmv_per_view": str(peers.gmv_per_view),
            "priors": {
                rate: [prior.mu, prior.m]
                for rate, prior in (
                    ("kept", peers.kept),
                    ("clicked", peers.clicked),
                    ("day", peers.day),
                    ("tag", peers.tag),
                )
            },
            "kept_median": peers.kept_median,
            "gpm": {str(k): str(v) for k, v in sorted(peers.gpm.items())},
            "conversion": {str(k): v for k, v in sorted(peers.conversion.items())},
            "buyers": {str(k): v for k, v in sorted(peers.buyers.items())},
        }
        for name, peers in frozen.items()
    }


def from_json(stored: Mapping[str, Any]) -> dict[str, Peers]:
    return {
        name: Peers(
            scope=name,
            size=group["size"],
            cap_minor=group["cap_minor"],
            gmv_per_view=Fraction(group["gmv_per_view"]),
            **{rate: Prior(mu=mu, m=m) for rate, (mu, m) in group["priors"].items()},
            kept_median=group["kept_median"],
            gpm={int(k): Fraction(v) for k, v in group["gpm"].items()},
            conversion={int(k): v for k, v in group["conversion"].items()},
            buyers={int(k): v for k, v in group["buyers"].items()},
        )
        for name, group in stored.items()
    }
