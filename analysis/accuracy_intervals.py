"""Tables of the intervals that `reprise validate` states, for the accuracy page."""


def words(name):
    metric, place = name.split("-")
    return f"{metric.upper()} {place}"


def interval_table(ways):
    """How often the real value lies where arrivals that move from run to run may take the prediction."""
    yield "| | " + " | ".join(f"{way.title}: inside | on an edge" for way in ways) + " |"
    yield "|---|" + "---|" * (2 * len(ways))
    for same, kind in ((True, "same policy"), (False, "other policy")):
        for name in ("itl-mean", "itl-p50", "itl-p99", "ttft-mean", "ttft-p50", "ttft-p90"):
            cells = []
            for way in ways:
                found = [
                    result["statistics"][name]["interval"]
                    for (a, b), result in way.by_pair.items() if (a == b) == same]
                inside = sum(interval["contains_real"] for interval in found)
                edges = sum(interval["spans_an_edge"] for interval in found)
                cells.append(f" {inside} of {len(found)} | {edges} ")
            yield f"| {kind}, {words(name)} |" + "|".join(cells) + "|"


def edge_table(ways):
    yield "| workload | recorded under | replayed under | timing | statistic | real | predicted | interval |"
    yield "|---|---|---|---|---|---|---|---|"
    for way in ways:
        for (source, target), result in way.by_pair.items():
            for name in ("itl-p99", "ttft-p50", "ttft-p90"):
                statistic = result["statistics"][name]
                interval = statistic["interval"]
                if not interval["spans_an_edge"]:
                    continue
                yield f"| {source.workload} | {source.name} | {target.name} | {way.title} | {words(name)} | " + (
                    f"{statistic['real']:.1f} ms | {statistic['predicted']:.1f} ms | "
                    f"{interval['low']:.1f} to {interval['high']:.1f} ms |")
