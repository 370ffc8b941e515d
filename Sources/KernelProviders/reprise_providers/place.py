"""What a call takes in its place in a step, between matrix products, beside what it takes alone.

Alone, a kernel finds its own code and tables in the caches, since the same kernel ran before it. In a
step the products of a layer, which read more weights than the caches hold, ran last. Two graphs of
many layers, one with the calls and one without, are timed in turn; their difference over the layers
is the time of a call in its place.
"""

import statistics

import torch

LAYERS = 40
REPLAYS = 7


class Products:
    """The matrix products of one layer in bf16; all layers share the weights, which exceed the caches."""

    def __init__(self, batch, hidden, intermediate):
        query, kv = batch.query_heads * batch.head_size, 2 * batch.kv_heads * batch.head_size
        self.inputs = {"hidden": hidden, "attended": query, "intermediate": intermediate}
        self.before = self.weights("hidden", query + kv)
        self.after = [
            self.weights("attended", hidden), self.weights("hidden", 2 * intermediate),
            self.weights("intermediate", hidden)]

    def weights(self, name, size):
        return name, torch.randn(self.inputs[name], size, device="cuda", dtype=torch.bfloat16)

    def graph(self, rows, launch):
        """A graph of all layers over so many rows, and what it works on, which must live as long."""
        values = {
            name: torch.zeros(rows, size, device="cuda", dtype=torch.bfloat16)
            for name, size in self.inputs.items()}
        results = [
            torch.empty(rows, weights.shape[1], device="cuda", dtype=torch.bfloat16)
            for _, weights in (self.before, *self.after)]

        def layer(number):
            torch.mm(values["hidden"], self.before[1], out=results[0])
            launch(number)
            for (name, weights), result in zip(self.after, results[1:]):
                torch.mm(values[name], weights, out=result)

        layer(0)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for number in range(LAYERS):
                layer(number)
        return graph, (values, results)


def in_place(bench, products, prepare, batch):
    """Microseconds of a call of one variant between the products of a step."""
    inputs = bench.inputs(batch)
    launch = prepare(inputs)
    pools = len(inputs.tables)
    graphs = [
        products.graph(batch.rows, lambda number: launch(number % pools)),
        products.graph(batch.rows, lambda number: None)]
    times = [[], []]
    for _ in range(REPLAYS):
        for (graph, _), taken in zip(graphs, times):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            graph.replay()
            end.record()
            end.synchronize()
            taken.append(begin.elapsed_time(end))
    # The first replay may find a GPU that has clocked down.
    with_calls, without = (statistics.median(taken[1:]) for taken in times)
    return 1e3 * (with_calls - without) / LAYERS


def evenly(batches, count):
    """At most so many of the batches of single tokens, spread over the rows that they are launched with."""
    rows = {}
    for batch in batches:
        if batch.is_decode:
            rows.setdefault(batch.rows, []).append(batch)
    chosen = []
    for index, launched in enumerate(sorted(rows)):
        share = count * (index + 1) // len(rows) - count * index // len(rows)
        group = rows[launched]
        chosen += [group[part * len(group) // share] for part in range(min(share, len(group)))]
    return chosen


def lines(bench, variants, batches, hidden, intermediate):
    """Lines of a kernel log, one a batch: microseconds alone and in place by the kernel's short name."""
    products = None
    for batch in batches:
        products = products or Products(batch, hidden, intermediate)
        alone, placed = {}, {}
        for variant in variants:
            name = variant.name.rpartition("/")[2]
            samples = bench.measure(variant.prepare, batch).samples
            alone[name] = statistics.median(samples.nanoseconds) / 1e3
            placed[name] = round(in_place(bench, products, variant.prepare, batch), 3)
        yield {
            "op": "paged-attention", "group": "in-place", "query_lens": list(batch.query_lens),
            "kv_lens": list(batch.kv_lens), "padded_rows": batch.rows, "microseconds": alone,
            "in_place_microseconds": placed}
