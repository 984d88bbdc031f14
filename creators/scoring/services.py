"""Writes of the scores: freeze the peers' figures once a day, add a row when something moved."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import AlreadyEnqueued

from creators.scoring import indicators, peers, queries
from creators.scoring.events import ScoresChanged
from creators.scoring.evidence import Evidence, Figures, count
from creators.scoring.indicators import Result
from creators.scoring.models import Formula, Indicator, Score, Snapshot
from creators.scoring.peers import Peers
from shops.facts.publishing import publish

_LOCK = 0x5C04E5


@transaction.atomic
def recompute(*, creator_ids: Iterable[int] | None, now: datetime) -> list[Score]:
    """Calculate the scores of some creators, or of all for None, and return the new rows.

    All means a new snapshot of the peers' figures. Some are measured against the figures that were
    frozen today, so that a burst of orders reads only its own creators' events. Where neither an
    event nor a figure changed there is no new row.
    """
    with connection.cursor() as cursor:
        # One at a time, else two rows would supersede the same one.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    formula = queries.active_formula(now=now)
    snapshot = None if creator_ids is None else queries.snapshot_of_day(formula=formula, now=now)
    if snapshot is None:
        snapshot, everybody = _freeze(formula, now)
        wanted = None if creator_ids is None else set(creator_ids)
        mine = [one for one in everybody if wanted is None or one.subject.id in wanted]
    else:
        mine = _evidence(formula, _currency(snapshot, now), now, sorted(set(creator_ids or ())))
    currency = _currency(snapshot, now)
    frozen = peers.from_json(snapshot.peers["groups"])
    return [
        score
        for evidence in mine
        for score in _score(evidence, snapshot=snapshot, frozen=frozen, currency=currency, now=now)
    ]


def rescore_soon(*, creator_ids: Iterable[int]) -> None:
    """Queue a recalculation per creator; one that waits already serves for all that came since."""
    for creator_id in sorted(set(creator_ids)):
        try:
            # A savepoint: a refused job must not spoil the caller's transaction.
            with transaction.atomic():
                jobs.configure_task(
                    "scoring.rescore",
                    allow_unknown=False,
                    queueing_lock=f"score:{creator_id}",
                    priority=-10,
                ).defer(creator_id=creator_id)
        except AlreadyEnqueued:
            continue


def _currency(snapshot: Snapshot, now: datetime) -> str | None:
    """Name the snapshot's currency, or that of the first orders when it had none yet."""
    frozen: str | None = snapshot.peers["currency"]
    return frozen or queries.currency_of_most(
        now=now, days=snapshot.formula.constants["window_days"]
    )


def _evidence(
    formula: Formula, currency: str | None, now: datetime, creator_ids: list[int] | None
) -> list[Evidence]:
    return queries.evidence(
        creator_ids=creator_ids,
        now=now,
        days=formula.constants["window_days"],
        currency=currency,
    )


def _freeze(formula: Formula, now: datetime) -> tuple[Snapshot, list[Evidence]]:
    """Measure all peers; an unchanged measure of today is used again."""
    constants = formula.constants
    currency = queries.currency_of_most(now=now, days=constants["window_days"])
    everybody = _evidence(formula, currency, now, None)
    groups = peers.to_json(peers.freeze([count(one, constants) for one in everybody], constants))
    frozen = {"currency": currency, "groups": groups}
    today = queries.snapshot_of_day(formula=formula, now=now)
    if today is not None and today.peers == frozen:
        return today, everybody
    return Snapshot.objects.create(taken_at=now, formula=formula, peers=frozen), everybody


def _score(
    evidence: Evidence,
    *,
    snapshot: Snapshot,
    frozen: Mapping[str, Peers],
    currency: str | None,
    now: datetime,
) -> list[Score]:
    constants = snapshot.formula.constants
    figures = count(evidence, constants)
    before = queries.latest_scores(creator_id=evidence.subject.id)
    group = peers.of(frozen, evidence.subject.category_id)
    hashes = {
        Indicator.SALES: evidence.sales_sha256(),
        Indicator.ASSIDUITY: evidence.assiduity_sha256(),
    }
    written = []
    for indicator, sha256 in hashes.items():
        result = calculate(indicator, figures, peers=group, constants=constants)
        inputs = dict(result.inputs)
        if indicator == Indicator.SALES:
            inputs["currency"] = currency
        provisional = indicators.is_provisional(figures, constants)
        last = before.get(indicator)
        if last is not None and _is_same(last, result, inputs, sha256, provisional, snapshot):
            continue
        if last is not None:
            inputs["change"] = _change(indicator, last, result, figures, snapshot)
        written.append(
            Score.objects.create(
                creator_id=evidence.subject.id,
                indicator=indicator,
                snapshot=snapshot,
                formula=snapshot.formula,
                value=result.value,
                low=result.low,
                high=result.high,
                inputs=inputs,
                inputs_sha256=sha256,
                is_provisional=provisional,
                computed_at=now,
                supersedes=last,
            )
        )
    if written:
        publish(ScoresChanged(creator_id=evidence.subject.id, snapshot_id=snapshot.pk))
    return written


def calculate(
    indicator: str, figures: Figures, *, peers: Peers, constants: Mapping[str, Any]
) -> Result:
    """Calculate one indicator of one creator against a group's figures."""
    if indicator == Indicator.SALES:
        return indicators.sales_ability(
            figures.sales, creator_id=figures.subject.id, peers=peers, constants=constants
        )
    return indicators.assiduity(figures.assiduity, peers=peers, constants=constants)


def _is_same(
    last: Score,
    result: Result,
    inputs: Mapping[str, Any],
    sha256: str,
    provisional: bool,
    snapshot: Snapshot,
) -> bool:
    shown = {key: value for key, value in last.inputs.items() if key != "change"}
    return (
        last.inputs_sha256 == sha256
        and last.formula_id == snapshot.formula_id
        and (last.value, last.low, last.high) == (result.value, result.low, result.high)
        and last.is_provisional == provisional
        and shown == inputs
    )


def _change(
    indicator: str, last: Score, result: Result, figures: Figures, snapshot: Snapshot
) -> dict[str, str]:
    """Split a change: what the new events do against the old peers; the rest is the peers'."""
    if last.formula_id != snapshot.formula_id:
        return {"formula": str(result.value - last.value)}
    old = peers.of(peers.from_json(last.snapshot.peers["groups"]), figures.subject.category_id)
    constants = snapshot.formula.constants
    as_it_was = calculate(indicator, figures, peers=old, constants=constants).value
    return {"yours": str(as_it_was - last.value), "peers": str(result.value - as_it_was)}
