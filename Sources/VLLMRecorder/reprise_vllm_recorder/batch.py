"""The rows of a step as what they differ from the last step's, from what vLLM's scheduler returns.

A decode batch changes little from step to step, and a loop over its rows in Python would take most of the time
that recording may. So the names of the last step's rows are kept, and compared as whole lists, which C does; who left
is found by bisection. That the others went as many tokens further as they had is told from one sum over their
computed tokens: they can fall behind (rejected drafts, preemption), never get ahead.
"""

from array import array

# Rows of long prompts stand near the end of a batch; so many are looked at one by one for those that got more
# than one token.
LOOKED_AT = 16
# Where more rows left, or more came, all are passed.
LEFT_MAX = 16


class Batch:
    """The last step's rows by their names, and what this step's differ in, by the numbers that the trace has."""

    def __init__(self):
        self.names = []
        # Of all rows of the last step: tokens computed before it, and those that it computed. Negative where the
        # library does not have them.
        self.reached = 0
        # Of requests that ended since the last step, by name: number, computed tokens.
        self.ended = {}
        # Of a step that `follow` could express, columns or None: rows left out, with other lengths, behind the others.
        self.removed = self.changed = self.added = None
        # Of one that it could not: all rows.
        self.columns = (array("I"), array("I"), array("I"))

    def follow(self, output, numbers, requests):
        """Whether the step is the last one with few changes, which are set; without, `rows` has to be called."""
        cached = output.scheduled_cached_reqs
        names, ids = self.names, cached.req_ids
        removed, gone = [], 0
        if ids != names:
            count = len(names) - len(ids)
            if not 0 < count <= LEFT_MAX:
                return False
            for _ in range(count):
                name = self.take_out(ids)
                number = numbers.get(name)
                if number is None:
                    number, length = self.ended[name]
                else:
                    length = requests[name].num_computed_tokens
                gone += length
                removed.append(number)
            if ids != names:
                return False
        computed = sum(cached.num_computed_tokens)
        if computed != self.reached - gone:
            return False
        tokens = output.num_scheduled_tokens
        new = output.scheduled_new_reqs
        total = output.total_num_scheduled_tokens
        more = total - len(tokens)
        self.added = self.changed = None
        if new:
            if len(new) > LEFT_MAX:
                return False
            added = [request.req_id for request in new]
            lengths = [request.num_computed_tokens for request in new]
            queries = [tokens[name] for name in added]
            computed += sum(lengths)
            more -= sum(queries) - len(new)
            self.added = (array("I", [numbers[name] for name in added]), array("I", lengths), array("I", queries))
        if len(tokens) != len(ids) + len(new) or (more and not self.find_changed(cached, tokens, numbers, more)):
            return False
        if new:
            names += added
        self.removed = array("I", removed) if removed else None
        self.reached = computed + total
        return True

    def take_out(self, ids):
        """Removes the first row that `ids` has not, and gives its name; `ids` has the others in their order."""
        names = self.names
        low, high = 0, len(ids)
        while low < high:
            middle = (low + high) >> 1
            if names[middle] == ids[middle]:
                low = middle + 1
            else:
                high = middle
        return names.pop(low)

    def find_changed(self, cached, tokens, numbers, more):
        """Looks near the end for the rows that got `more` tokens than one each; whether these are all."""
        ids, found = cached.req_ids, []
        for place in range(len(ids) - 1, max(-1, len(ids) - 1 - LOOKED_AT), -1):
            query = tokens[ids[place]]
            if query != 1:
                found.append((numbers[ids[place]], cached.num_computed_tokens[place], query))
                more -= query - 1
                if not more:
                    self.changed = tuple(array("I", column) for column in zip(*reversed(found)))
                    return True
        return False

    def rows(self, output, numbers):
        """Sets the columns to all rows, in the order in which vLLM scheduled."""
        cached, tokens = output.scheduled_cached_reqs, output.num_scheduled_tokens
        self.names = list(tokens)
        computed = dict(zip(cached.req_ids, cached.num_computed_tokens))
        for request in output.scheduled_new_reqs:
            computed[request.req_id] = request.num_computed_tokens
        columns = (map(of.__getitem__, self.names) for of in (numbers, computed))
        self.columns = (*(array("I", column) for column in columns), array("I", tokens.values()))
        self.reached = sum(self.columns[1]) + output.total_num_scheduled_tokens
