"""The mathematics that all indicators share (scoring.md, "Primitives"); pure, no numpy.

Sums go through `math.fsum` over sorted terms, so the order of events changes no digit.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

Number = TypeVar("Number", int, float, Fraction)

# A posterior mean of exactly 0 or 1 would leave Beta without quantiles.
MIN_MEAN = 1e-4


@dataclass(frozen=True)
class Prior:
    """What is known of a rate before a creator's own events: mean μ, worth M events."""

    mu: float
    m: float


@dataclass(frozen=True)
class Rate:
    """A creator's own events of a rate: s = Σ w·y, n = Σ w."""

    s: float
    n: float

    @classmethod
    def of(cls, events: Iterable[tuple[float, float]]) -> "Rate":
        """Sum (weight, y) pairs; y is in [0, 1]."""
        pairs = sorted(events)
        n = math.fsum(w for w, _ in pairs)
        # Rounding must not make a rate of more than 1.
        return cls(s=min(n, math.fsum(w * y for w, y in pairs)), n=n)


def weight(age_days: float, *, half_life: float = 30) -> float:
    """Return w = 2^(−a/30): an event counts half after 30 days."""
    return float(2.0 ** (-age_days / half_life))


def post(prior: Prior, rate: Rate) -> float:
    """Return the posterior mean (M·μ + s) / (M + n)."""
    return (prior.m * prior.mu + rate.s) / (prior.m + rate.n)


def interval(
    prior: Prior, rate: Rate, *, low: float = 0.05, high: float = 0.95
) -> tuple[float, float]:
    """Return two quantiles of Beta(M·μ + s, M·(1−μ) + n − s)."""
    a = prior.m * prior.mu + rate.s
    b = prior.m * (1 - prior.mu) + rate.n - rate.s
    return beta_quantile(low, a, b), beta_quantile(high, a, b)


def sat(x: float, k: float) -> float:
    """Return x / (x + k): 0 for nothing, ½ at k, never 1."""
    return x / (x + k)


def percentile_rank(x: Number, peers: Sequence[Number]) -> float:
    """Return the mid-rank percentile (#{x_j < x} + ½·#{x_j = x}) / N; ½ without peers."""
    if not peers:
        return 0.5
    below = sum(1 for peer in peers if peer < x)
    equal = sum(1 for peer in peers if peer == x)
    return (2 * below + equal) / (2 * len(peers))


def percentile(values: Sequence[int], q: float) -> int | None:
    """Return the q-quantile by nearest rank, None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]


def winsorise(values: Iterable[int], *, cap: int | None) -> list[int]:
    """Cut what lies above the cap down to it."""
    return [value if cap is None else min(value, cap) for value in values]


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two middle ones.

    :raises ValueError: there is none
    """
    if not values:
        raise ValueError("the median of nothing")
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def fit_prior(rates: Iterable[Rate], *, min_m: float = 1, max_m: float = 1000) -> Prior:
    """Return the beta-binomial maximum likelihood (μ, M) of the peers, with 1 ≤ M ≤ 1000.

    For a fixed M the likelihood is concave in μ; over M it may have several peaks, so the best of
    a grid is refined. Without any event there is nothing to fit: μ = ½, M = 1.
    """
    counted = sorted(Counter((r.s, r.n) for r in rates if r.n > 0).items())
    if not counted:
        return Prior(mu=0.5, m=min_m)

    def likelihood(mu: float, m: float) -> float:
        a, b = m * mu, m * (1 - mu)
        base = math.lgamma(m) - math.lgamma(a) - math.lgamma(b)
        return math.fsum(
            k * (base + math.lgamma(a + s) + math.lgamma(b + n - s) - math.lgamma(m + n))
            for (s, n), k in counted
        )

    def best_mu(m: float) -> float:
        return _peak(lambda mu: likelihood(mu, m), MIN_MEAN, 1 - MIN_MEAN, steps=32)

    def profile(log_m: float) -> float:
        m = math.exp(log_m)
        return likelihood(best_mu(m), m)

    lowest, highest, points = math.log(min_m), math.log(max_m), 16
    step = (highest - lowest) / (points - 1)
    top = max(range(points), key=lambda i: profile(lowest + i * step))
    log_m = _peak(
        profile,
        max(lowest, lowest + (top - 1) * step),
        min(highest, lowest + (top + 1) * step),
        steps=24,
    )
    m = min(max_m, max(min_m, math.exp(log_m)))
    return Prior(mu=best_mu(m), m=m)


def _peak(f: Callable[[float], float], low: float, high: float, *, steps: int) -> float:
    """Return where f is highest, by golden section; its ends count, too."""
    golden = (math.sqrt(5) - 1) / 2
    ends = (low, high)
    c, d = high - golden * (high - low), low + golden * (high - low)
    fc, fd = f(c), f(d)
    for _ in range(steps):
        if fc >= fd:
            high, d, fd = d, c, fc
            c = high - golden * (high - low)
            fc = f(c)
        else:
            low, c, fc = c, d, fd
            d = low + golden * (high - low)
            fd = f(d)
    middle = (low + high) / 2
    return max((middle, *ends), key=f)


def beta_quantile(p: float, a: float, b: float) -> float:
    """Return x with I_x(a, b) = p, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if beta_cdf(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) (continued fraction, DLMF 8.17.22).

    :raises ValueError: a or b is not positive
    """
    if a <= 0 or b <= 0:
        raise ValueError("a and b must be positive")
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_cdf(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    return min(1.0, front / (a * _continued_fraction(x, a, b)))


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Evaluate 1 + d1/(1 + d2/(1 + …)) by Lentz's method."""
    tiny = 1e-300
    value, c, d = 1.0, 1.0, 0.0
    for i in range(1, 20_000):
        m = i // 2
        if i % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / ((1 + term * d) or tiny)
        c = (1 + term / c) or tiny
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
