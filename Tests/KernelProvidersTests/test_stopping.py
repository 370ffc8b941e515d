import random

from reprise_providers.stopping import (
    FIRST,
    FURTHER,
    MOST,
    further_samples,
    median,
    relative_half_width,
)


def test_the_median_is_of_whole_nanoseconds():
    assert median([]) is None
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2


def test_six_equal_samples_are_enough():
    assert further_samples([]) == FIRST
    assert further_samples([1000] * FIRST) == 0


def test_samples_that_spread_ask_for_more_up_to_a_bound():
    spread = [1000, 1100, 900, 1050, 950, 1200]
    taken = list(spread)
    while count := further_samples(taken):
        assert count <= FURTHER and len(taken) + count <= MOST
        taken += spread[:count]
    assert len(taken) == MOST


def test_the_interval_of_six_samples_lies_between_their_extremes():
    assert relative_half_width([90, 100, 100, 100, 100, 110]) == 0.1
    assert relative_half_width([100] * 5) is None


def test_the_interval_holds_the_median_of_what_is_sampled_from_in_most_cases():
    # A tenth of a per cent of cases is the least that chance would have to miss by.
    generator = random.Random(7)
    held, trials = 0, 2000
    for _ in range(trials):
        samples = [generator.gauss(1000, 50) for _ in range(12)]
        half = relative_half_width(samples) * median(samples)
        held += abs(median(samples) - 1000) <= 2 * half
    assert held / trials > 0.95
