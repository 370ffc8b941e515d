"""Section 7.1 of FORMAT.md: the rows of a step, predicted and edited."""

import numpy as np

from . import limits
from .errors import check
from .numbers import Stream, unzigzag


class Rows:
    """The rows of a chunk's steps, one step after the other."""

    def __init__(self, prompts: np.ndarray, ends: np.ndarray, budget: int):
        self.prompts = prompts
        self.ends = ends
        self.budget = budget
        self.request = self.computed = self.query = np.zeros(0, np.int64)
        #: Requests whose last row was in the step before, and the tokens they held.
        self.done: list[tuple[int, int]] = []
        self.admitted = 0
        self._next = 0
        # For how many steps more every row goes on with one token and none is at its end.
        self._quiet = 0

    @property
    def is_decode(self) -> bool:
        return bool((self.query == 1).all())

    def predict(self) -> None:
        self.admitted = 0
        self.done = []
        if self._quiet > 0:
            self._quiet -= 1
            self.computed = self.computed + 1
            return
        length = self.computed + self.query
        is_done = length >= self.ends[self.request]
        self.done = list(zip(self.request[is_done].tolist(), length[is_done].tolist(), strict=True))
        self.request, self.computed = self.request[~is_done], length[~is_done]
        left = self.prompts[self.request] - self.computed
        if self.budget == 0 or not (left > 0).any():
            self.query = np.where(left > 0, left, 1)
        else:
            self.query = np.zeros(len(left), np.int64)
            tokens = 0
            for index, rest in enumerate(left.tolist()):
                query = max(1, min(rest, self.budget - tokens)) if rest > 0 else 1
                self.query[index] = query
                tokens += query
        if len(left) and (self.query == 1).all() and (left <= 1).all():
            self._quiet = int((self.ends[self.request] - self.computed).min()) - 1

    def _fresh(self, request: int, computed: int, tokens: int) -> int:
        left = int(self.prompts[request]) - computed
        if left <= 0:
            return 1
        return left if self.budget == 0 else max(1, min(left, self.budget - tokens))

    def edit(self, stream: Stream) -> None:
        """Reads a script and turns the predicted rows into the true ones."""
        predicted = list(
            zip(self.request.tolist(), self.computed.tolist(), self.query.tolist(), strict=True)
        )
        expected = {row[0]: row for row in predicted}
        rows: list[tuple[int, int, int]] = []
        tokens = place = 0

        def lengths(row):
            computed = row[1] + stream.signed()
            difference = stream.signed()
            check(0 <= computed <= limits.TOKENS, "a row's computed tokens are out of range")
            query = self._fresh(row[0], computed, tokens) + difference
            check(
                1 <= query <= limits.TOKENS - computed, "a row's new tokens are out of range"
            )
            return row[0], computed, query

        def added(difference, is_other):
            request = self._next + difference
            check(0 <= request < len(self.prompts), "a row of a request that is not in the trace")
            self._next = request + 1
            row = expected.get(request)
            if row is None:
                self.admitted += 1
                row = (request, 0, self._fresh(request, 0, tokens))
            return lengths(row) if is_other else row

        for _ in range(stream.unsigned(limits.EDITS)):
            code = stream.unsigned()
            standing, kind = code >> 2, code & 3
            check(standing <= len(predicted) - place, "an edit behind the last row")
            rows += predicted[place : place + standing]
            tokens += sum(row[2] for row in predicted[place : place + standing])
            place += standing
            if kind < 2:
                check(place < len(predicted), "an edit behind the last row")
                made = [lengths(predicted[place])] if kind == 1 else []
                place += 1
            else:
                made = [added(stream.signed(), kind == 3)]
            rows += made
            tokens += sum(row[2] for row in made)
        rows += predicted[place:]
        tokens += sum(row[2] for row in predicted[place:])
        for _ in range(stream.unsigned(limits.ROWS)):
            code = stream.unsigned()
            row = added(unzigzag(code >> 1), code & 1 == 1)
            rows.append(row)
            tokens += row[2]
        check(len(rows) <= limits.ROWS, "too many rows in a step")
        made = np.array(rows, np.int64).reshape(-1, 3)
        self.request, self.computed, self.query = made[:, 0], made[:, 1], made[:, 2]
        self._quiet = 0
