"""The rows of a step, as columns, from what vLLM's scheduler returns.

A decode batch changes little from step to step, and a loop over its rows in Python would take most of the time
that recording may. So the names of the last step's rows and their numbers are kept, and followed by comparing
whole lists, which C does.
"""

from array import array

# Rows of long prompts stand near the end of a batch; so many are looked at one by one for those that got more
# than one token.
LOOKED_AT = 16


class Batch:
    """The last step's rows: names as vLLM has them, numbers as the trace has them."""

    def __init__(self):
        self.names = []
        self.requests = array("I")
        self.computed = array("I")
        self.queries = array("I")
        # As many ones as rows have been seen: the queries of a step of decodes.
        self.ones = array("I", [1]) * 64
        # Numbers of requests that left, to be taken out of the rows by the next step.
        self.left = []

    def follow(self, output, numbers):
        """Sets the columns to those of a step; `numbers` has every request in it."""
        cached = output.scheduled_cached_reqs
        new = output.scheduled_new_reqs
        tokens = output.num_scheduled_tokens
        if self.left:
            self.take_out()
        if cached.req_ids == self.names and len(self.names) + len(new) == len(tokens):
            self.computed = array("I", cached.num_computed_tokens)
            for request in new:
                self.names.append(request.req_id)
                self.requests.append(numbers[request.req_id])
                self.computed.append(request.num_computed_tokens)
        else:
            self.build(cached, new, tokens, numbers)
        self.set_queries(tokens, output.total_num_scheduled_tokens, len(new))

    def take_out(self):
        """Removes the rows of requests that left; those that were not in the last step have none."""
        for number in self.left:
            try:
                place = self.requests.index(number)
            except ValueError:
                continue
            del self.requests[place]
            del self.names[place]
        self.left.clear()

    def build(self, cached, new, tokens, numbers):
        """Makes the columns anew, in the order in which vLLM scheduled: that of `tokens`."""
        self.names = list(tokens)
        self.requests = array("I", map(numbers.__getitem__, self.names))
        computed = dict(zip(cached.req_ids, cached.num_computed_tokens))
        computed.update((request.req_id, request.num_computed_tokens) for request in new)
        self.computed = array("I", map(computed.__getitem__, self.names))

    def set_queries(self, tokens, total, new):
        """Sets the rows' new tokens: 1 but for few."""
        count = len(tokens)
        if len(self.ones) < count:
            self.ones = array("I", [1]) * (2 * count)
        if total == count:
            self.queries = self.ones
            return
        queries = self.ones[:count]
        more = total - count
        for place in range(count - 1, max(-1, count - 1 - new - LOOKED_AT), -1):
            query = tokens[self.names[place]]
            if query != 1:
                queries[place] = query
                more -= query - 1
                if more == 0:
                    self.queries = queries
                    return
        self.queries = array("I", tokens.values())
