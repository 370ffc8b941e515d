"""When enough samples of one batch are taken: the rule of `reprise measure`, in whole nanoseconds.

Order statistics alone: half the 95 % interval of the median, which lies between the samples of rank
n/2 ∓ 1.96 √n / 2, must be below 1 % of the median. Six samples first, then four at a time, at most
20.
"""

from math import floor, sqrt

FIRST, FURTHER, MOST = 6, 4, 20
WIDTH_MAX = 0.01


def median(samples):
    """The median; the mean of the middle two of an even number, rounded down. None of none."""
    if not samples:
        return None
    ordered = sorted(samples)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) // 2


def relative_half_width(samples):
    """Half the 95 % interval of the median as a share of it; None where that is not known."""
    middle = median(samples)
    if len(samples) < FIRST or not middle:
        return None
    ordered = sorted(samples)
    low = max(0, floor(len(ordered) / 2 - 0.98 * sqrt(len(ordered))))
    return (ordered[-1 - low] - ordered[low]) / 2 / middle


def further_samples(samples):
    """How many samples to take next; 0 where they are enough."""
    if not samples:
        return FIRST
    width = relative_half_width(samples)
    if len(samples) >= MOST or (width is not None and width < WIDTH_MAX):
        return 0
    return min(FURTHER, MOST - len(samples))
