"""What the score page says about a row: its inputs, its formula and its change, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creators.scoring.models import Indicator, Score
from shops.ledger.money import Money

ABOUT: Mapping[str, str | Promise] = {
    Indicator.SALES: gettext_lazy("How well your pieces sell, and whether buyers keep the goods."),
    Indicator.ASSIDUITY: gettext_lazy("How regularly you show products that can be bought."),
}
FORMULAS: Mapping[str, str] = {
    Indicator.SALES: "100 · min(1, post(K) / κ) · [{gpm} · PR(GPM) + {conversion} · PR(post(X))"
    " + {buyers} · PR(b)]",
    Indicator.ASSIDUITY: "100 · [{day} · post(day) + {tag} · min(1, post(tag) / {tag_target})"
    " + {products} · sat(P; {products_half})]",
}
LEGENDS: Mapping[str, str | Promise] = {
    Indicator.SALES: gettext_lazy(
        "K: share of orders kept, κ: its median among your peers. GPM: money per thousand views."
        " X: buyers among those who opened a product. b: buyers. PR(…): the share of peers below"
        " you. post(…): what your events and your peers' average say together. One buyer counts"
        " once; newer events weigh more (half after 30 days)."
    ),
    Indicator.ASSIDUITY: gettext_lazy(
        "day: a day with at least 30 minutes live with a pinned product. tag: a piece that carries"
        " a product. P: distinct products shown; sat(P; k) = P / (P + k). post(…): what your events"
        " and your peers' average say together. Newer events weigh more (half after 30 days)."
    ),
}


@dataclass(frozen=True)
class Line:
    """One input: its name, its figure, and what to know about it."""

    label: str
    figure: str
    note: str = ""


@dataclass(frozen=True)
class ScoreCard:
    score: Score
    about: str
    formula: str
    legend: str
    lines: list[Line]
    changes: list[Line]

    @property
    def bar(self) -> dict[str, str]:
        """Place the bar's parts, in hundredths of its length."""
        row = self.score
        return {
            "low": f"{row.low:.2f}",
            "width": f"{max(row.high - row.low, Decimal(1)):.2f}",
            "value": f"{min(row.value, Decimal('99')):.2f}",
        }


def card(score: Score) -> ScoreCard:
    lines = _sales_lines if score.indicator == Indicator.SALES else _assiduity_lines
    return ScoreCard(
        score=score,
        about=str(ABOUT[score.indicator]),
        formula=FORMULAS[score.indicator].format(**score.formula.constants[score.indicator]),
        legend=str(LEGENDS[score.indicator]),
        lines=lines(score.inputs),
        changes=_changes(score.inputs.get("change", {})),
    )


def _percent(share: float) -> str:
    return f"{number_format(round(share * 100, 1), decimal_pos=1)} %"


def _range(rate: Mapping[str, float]) -> str:
    return _("from %(low)s to %(high)s with 90 %% certainty") % {
        "low": _percent(rate["low"]),
        "high": _percent(rate["high"]),
    }


def _sales_lines(inputs: Mapping[str, Any]) -> list[Line]:
    ranks = inputs["ranks"]

    def rank(name: str) -> str:
        return _("above %(share)s of your peers") % {"share": _percent(ranks[name])}

    def money(minor: int) -> str:
        return str(Money(minor, inputs["currency"])) if inputs["currency"] else str(minor)

    lines = [
        Line(_("Buyers (b)"), str(inputs["buyers"]), rank("buyers")),
        Line(_("Net sales"), money(inputs["gmv_minor"]), _("what was given back is taken off")),
        Line(_("Qualified views"), str(inputs["views"]), _("5 seconds or more, once a day")),
        Line(_("Sales per 1,000 views (GPM)"), money(inputs["gpm_minor"]), rank("gpm")),
        Line(
            _("Buyers among those who opened a product (X)"),
            _percent(inputs["conversion"]["mean"]),
            f"{rank('conversion')}; {_range(inputs['conversion'])}",
        ),
        Line(
            _("Share of orders kept (K)"),
            _percent(inputs["kept"]["mean"]),
            _("the median of your peers is %(share)s") % {"share": _percent(inputs["kept_median"])},
        ),
    ]
    names = {
        "own": _("Orders of your own, not counted"),
        "linked": _("Orders to one of your addresses, not counted"),
        "staff": _("Orders by staff of the shop, not counted"),
        "sample": _("Orders that cost nothing, not counted"),
    }
    return lines + [Line(names[why], str(n)) for why, n in inputs["left_out"].items()]


def _assiduity_lines(inputs: Mapping[str, Any]) -> list[Line]:
    return [
        Line(
            _("Active days"),
            _("%(active)s of %(days)s") % {"active": inputs["active_days"], "days": inputs["days"]},
            _("a day that is not over is left out until it counts"),
        ),
        Line(_("Share of active days"), _percent(inputs["day"]["mean"]), _range(inputs["day"])),
        Line(_("Live shows"), str(inputs["lives"]), _("at most 5 pieces a day")),
        Line(_("Videos"), str(inputs["videos"])),
        Line(_("Pieces with a product"), _percent(inputs["tag"]["mean"]), _range(inputs["tag"])),
        Line(_("Distinct products shown (P)"), str(inputs["products"])),
    ]


def _changes(change: Mapping[str, str]) -> list[Line]:
    names = {
        "yours": _("What you did, and time passing"),
        "peers": _("What your peers did"),
        "formula": _("A new formula"),
    }
    return [
        Line(name, _signed(Decimal(change[why]))) for why, name in names.items() if why in change
    ]


def _signed(points: Decimal) -> str:
    text = number_format(abs(points), decimal_pos=4)
    return f"+{text}" if points > 0 else f"−{text}" if points < 0 else text
