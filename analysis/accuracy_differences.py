"""What predicted differences between policies are worth: on which batches, and in which intervals."""

import math
import statistics

from accuracy_results import words
from accuracy_tables import percent

# The first of the machines that no profile is fitted on, and their number together.
UNSEEN = 11
ORDINALS = {
    1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 7: "seventh", 8: "eighth", 9: "ninth", 10: "tenth", UNSEEN: "unseen ones",
}  # fmt: skip


def shares_shown(way):
    """Of each real difference in mean ITL that is judged, the shares that both kinds of batches show."""
    for source, target, real, predicted, _ in way.judged():
        recorded = [
            way.by_pair[source, run]["replays"]["recorded"]["itl-mean"] for run in (source, target)]
        yield (recorded[1] - recorded[0]) / real, predicted / real


def batches_table(machines):
    """`machines`: the ways of each by its number; what the profile and the trace say."""
    yield "| machine | differences | recorded batches: least | median | most | rescheduled: least | median | most |"
    yield "|---|---|---|---|---|---|---|---|"
    for machine, ways in machines.items():
        shown = list(shares_shown(ways[1]))
        if not shown:
            continue
        cells = [
            percent(find(shares), 0) for shares in zip(*shown) for find in (min, statistics.median, max)]
        yield f"| {ORDINALS[machine]} | {len(shown)} | " + " | ".join(cells) + " |"


def differences_off(way):
    """By statistic, what each predicted difference is off by beyond the noise, as its share, and whether its interval holds the real one."""
    found = {}
    for result in way.by_pair.values():
        for name, difference in result["differences"].items():
            real, predicted, noise = (difference[key] for key in ("real", "predicted", "noise"))
            if real is None or noise is None:
                continue
            beyond = math.sqrt(max(0, (predicted - real) ** 2 - noise**2))
            share = (beyond / abs(predicted) if predicted else math.inf) if beyond else 0
            found.setdefault(name, []).append((share, difference["low"] <= real <= difference["high"]))
    return found


def nine_of_ten(shares):
    """What nine of ten of these stay within, rounded up to hundredths."""
    # A difference predicted as none is beyond any share of it.
    return math.ceil(100 * sorted(shares)[math.ceil(0.9 * len(shares)) - 1]) / 100


def measured_shares(machines):
    """By statistic, what nine of ten predicted differences of the profile and the trace are off by."""
    together = {}
    for ways in machines:
        for name, found in differences_off(ways[1]).items():
            together.setdefault(name, []).extend(share for share, _ in found)
    return {name: nine_of_ten(shares) for name, shares in together.items()}


def interval_table(machines):
    """How many real differences lie in the predicted interval, by statistic and way."""
    shares = measured_shares(machines)
    # The profile alone predicts a run from its own trace only, and no difference.
    machines = [ways[1:] for ways in machines]
    titles = [way.title for way in machines[0]]
    yield "| | nine of ten within | " + " | ".join(f"{title}: inside" for title in titles) + " |"
    yield "|---|---|" + "---|" * len(titles)
    off = [[differences_off(way) for way in ways] for ways in zip(*machines)]
    for name, share in shares.items():
        cells = []
        for ways in off:
            found = [inside for way in ways for _, inside in way.get(name, [])]
            cells.append(f"{sum(found)} of {len(found)}")
        yield f"| {words(name)} | {percent(share, 0)} | " + " | ".join(cells) + " |"
