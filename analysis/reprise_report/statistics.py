"""Weighted distributions and intervals, the same way the program computes its own."""

from functools import lru_cache

import numpy as np

RESAMPLES = 1000
CONFIDENCE = (2.5, 97.5)


def cumulative(values, weights=None, points=400):
    """A cumulative distribution at no more than `points` values: (value, share at or below it).

    Points stand at equal steps of the share, more closely at both ends, so tails stay visible.
    """
    values = np.asarray(values, float)
    order = np.argsort(values, kind="stable")
    values = values[order]
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, float)[order]
    share = np.cumsum(weights) / weights.sum()
    last = np.append(values[1:] != values[:-1], True)
    values, share = values[last], share[last]
    if len(values) > points:
        even = np.linspace(0, 1, points // 2)
        tail = 1 - np.logspace(-5, -1, points // 4)
        wanted = np.unique(np.searchsorted(share, np.concatenate([even, tail])).clip(0, len(share) - 1))
        values, share = values[wanted], share[wanted]
    return np.concatenate([values[:1], values]), np.concatenate([[0.0], share])


def block_edges(count):
    """Where blocks of consecutive requests begin, the same blocks that the program's intervals draw.

    Requests that ran side by side are not independent, so a resample draws whole blocks of them.
    """
    length = 1
    while length**3 < count:
        length += 1
    blocks = min(count, max(count // length, 32), 256)
    return np.arange(blocks) * count // blocks


@lru_cache(maxsize=64)
def draws(blocks, seed):
    """How often each block is drawn in each resample, as many draws as there are blocks."""
    return np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), RESAMPLES).astype(float)


def mean_interval(values, weights=None, seed=0):
    """A mean and its 95 % interval, from a bootstrap over blocks of consecutive requests.

    With `weights`, the mean over all that the weights count. `None` for the interval below two values.
    """
    values = np.asarray(values, float)
    if not len(values):
        return None, None, None
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, float)
    mean = float((values * weights).sum() / weights.sum())
    if len(values) < 2:
        return mean, None, None
    edges = block_edges(len(values))
    sums, counts = np.add.reduceat(values * weights, edges), np.add.reduceat(weights, edges)
    drawn = draws(len(edges), seed)
    low, high = np.percentile((drawn @ sums) / (drawn @ counts), CONFIDENCE)
    return mean, float(min(low, mean)), float(max(high, mean))


def binned_mean(place, values, weights, edges):
    """Weighted mean of the values whose place falls into each bin; NaN for empty bins."""
    index = np.clip(np.searchsorted(edges, place, side="right") - 1, 0, len(edges) - 2)
    total = np.bincount(index, values * weights, len(edges) - 1)
    count = np.bincount(index, weights, len(edges) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / count, count
