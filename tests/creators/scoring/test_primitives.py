"""The mathematics: golden values of scoring.md and its properties 2 and 6."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creators.scoring.primitives import (
    Prior,
    Rate,
    beta_cdf,
    fit_prior,
    interval,
    median,
    percentile,
    percentile_rank,
    post,
    sat,
    weight,
    winsorise,
)

GOLDEN = Prior(mu=0.6, m=20)
priors = st.builds(Prior, mu=st.floats(1e-4, 1 - 1e-4), m=st.floats(1, 1000))


@st.composite
def rates(draw):
    n = draw(st.floats(0, 500))
    return Rate(s=n * draw(st.floats(0, 1)), n=n)


@pytest.mark.parametrize(
    ("s", "n", "mean", "low", "high"),
    [
        (0, 0, 0.6000, 0.4181, 0.7703),
        (9, 10, 0.7000, 0.5571, 0.8275),
        (90, 100, 0.8500, 0.7935, 0.8999),
    ],
)
def test_the_golden_values_come_out_to_four_digits(s, n, mean, low, high):
    rate = Rate(s, n)

    assert round(post(GOLDEN, rate), 4) == mean
    assert tuple(round(bound, 4) for bound in interval(GOLDEN, rate)) == (low, high)


def test_an_event_counts_half_after_thirty_days():
    assert [weight(age) for age in (0, 30, 60)] == [1, 0.5, 0.25]


@given(priors, rates())
def test_the_prior_pulls_a_rate_by_no_more_than_its_weight(prior, rate):
    if rate.n < 1e-6:
        return
    pull = abs(post(prior, rate) - rate.s / rate.n)

    assert pull <= prior.m / (prior.m + rate.n) + 1e-9


@given(priors, rates(), st.floats(0.01, 1))
def test_a_success_never_lowers_and_a_failure_never_raises_mean_and_bound(prior, rate, w):
    better, worse = Rate(rate.s + w, rate.n + w), Rate(rate.s, rate.n + w)

    assert post(prior, better) >= post(prior, rate) - 1e-12
    assert post(prior, worse) <= post(prior, rate) + 1e-12
    assert interval(prior, better)[0] >= interval(prior, rate)[0] - 1e-9
    assert interval(prior, worse)[0] <= interval(prior, rate)[0] + 1e-9


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0.01, 0.99))
def test_the_incomplete_beta_is_a_binomial_tail_for_whole_numbers(a, b, x):
    n = a + b - 1
    tail = math.fsum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))

    assert beta_cdf(x, a, b) == pytest.approx(tail, abs=1e-10)


def test_the_fit_finds_the_rate_and_the_spread_that_made_the_data():
    # 400 creators of each of five abilities, 40 events each, at their expected counts.
    abilities = [0.1, 0.2, 0.3, 0.4, 0.5]
    fitted = fit_prior([Rate(s=40 * p, n=40) for p in abilities for _ in range(400)])

    assert fitted.mu == pytest.approx(0.3, abs=0.01)
    # By moments: .02 = .21·(1/40 + 39/40/(M+1)), so M ≈ 12.9.
    assert fitted.m == pytest.approx(12.9, rel=0.1)


def test_the_fit_is_no_worse_than_any_point_of_a_fine_grid():
    rates = [Rate(1, 10), Rate(4, 9), Rate(0, 3), Rate(7.5, 20), Rate(2, 2)]

    def likelihood(mu, m):
        return sum(
            math.lgamma(m * mu + r.s)
            + math.lgamma(m * (1 - mu) + r.n - r.s)
            - math.lgamma(m + r.n)
            + math.lgamma(m)
            - math.lgamma(m * mu)
            - math.lgamma(m * (1 - mu))
            for r in rates
        )

    fitted = fit_prior(rates)
    grid = max(likelihood(mu / 100, 10 ** (m / 33)) for mu in range(1, 100) for m in range(100))
    assert likelihood(fitted.mu, fitted.m) >= grid - 1e-6


@given(st.lists(rates(), max_size=12), st.randoms())
def test_the_fit_stays_in_its_bounds_whatever_the_order(found, random):
    fitted = fit_prior(found)
    shuffled = list(found)
    random.shuffle(shuffled)

    assert 0 < fitted.mu < 1
    assert 1 <= fitted.m <= 1000
    assert fit_prior(shuffled) == fitted


def test_ranks_count_equals_half():
    assert percentile_rank(2, [1, 2, 2, 3]) == 0.5
    assert percentile_rank(Fraction(1, 3), [Fraction(1, 3), Fraction(1, 4)]) == 0.75
    assert percentile_rank(5, []) == 0.5


def test_small_ones():
    assert sat(20, 20) == 0.5
    assert percentile(list(range(1, 201)), 0.99) == 198
    assert percentile([], 0.99) is None
    assert winsorise([1, 5, 9], cap=6) == [1, 5, 6]
    assert median([3, 1, 2, 10]) == 2.5
