"""A batch as measurements name it, read from its canonical text.

The text's grammar is that of the measurement store: type of the elements, heads of one rank, the
head's size, tokens in a KV block, rows of the launch, then `QUERY/KV` or `KV` for each row, `*N`
for N equal rows.
"""

import re
from dataclasses import dataclass

FORM = re.compile(
    r"attention/1 type=(\w+) query_heads=(\d+) kv_heads=(\d+) head=(\d+) block=(\d+)"
    r" padded=(\d+) rows=(\S*)"
)
ROW = re.compile(r"(?:(\d+)/)?(\d+)(?:\*(\d+))?")
# A latent cache entry: 512 elements that are both key and value, and 64 of rotary key.
LATENT, ROPE = 512, 64
LONGEST = 1 << 31


class PlanError(Exception):
    """A plan that cannot be read; the message says where and what to do."""


@dataclass(frozen=True)
class Batch:
    """Rows of query and KV lengths under one head geometry; `padded_rows` includes a graph's."""

    text: str
    element: str
    query_heads: int
    kv_heads: int
    head_size: int
    block_size: int
    padded_rows: int
    query_lens: tuple
    kv_lens: tuple

    @property
    def is_latent(self):
        return self.head_size == LATENT + ROPE

    @property
    def is_decode(self):
        return all(length == 1 for length in self.query_lens)

    @property
    def rows(self):
        """Rows of the launch, padding included."""
        return max(self.padded_rows, len(self.kv_lens))

    @property
    def tokens(self):
        """New tokens of the launch: a padding row stands for one."""
        return max(sum(self.query_lens), self.padded_rows)

    @property
    def blocks(self):
        return sum(-(-length // self.block_size) for length in self.kv_lens)

    @property
    def block_elements(self):
        """Elements of one cache block: K and V of all heads, or latent entries."""
        entry = self.head_size if self.is_latent else 2 * self.kv_heads * self.head_size
        return self.block_size * entry


def read_batch(text: str):
    """The batch of a canonical text; PlanError where it is none."""
    match = FORM.fullmatch(text)
    if match is None:
        raise PlanError(f"no batch: {text[:80]!r}")
    query_lens, kv_lens = [], []
    for part in filter(None, match[7].split(",")):
        row = ROW.fullmatch(part)
        if row is None or int(row[2]) >= LONGEST:
            raise PlanError(f"no row of a batch: {part[:40]!r}")
        count = int(row[3] or 1)
        query_lens += [int(row[1] or 1)] * count
        kv_lens += [int(row[2])] * count
    numbers = [int(match[place]) for place in range(2, 7)]
    if min(numbers[:4]) < 1 or numbers[0] % numbers[1]:
        raise PlanError(f"heads that do not divide, or a size of 0: {text[:80]!r}")
    return Batch(text, match[1], *numbers, tuple(query_lens), tuple(kv_lens))


def batch_text(batch: Batch):
    """The canonical text of a batch, in which equal neighbours are counted."""
    rows = []
    for query, kv in zip(batch.query_lens, batch.kv_lens):
        name = str(kv) if query == 1 else f"{query}/{kv}"
        if rows and rows[-1][0] == name:
            rows[-1][1] += 1
        else:
            rows.append([name, 1])
    written = ",".join(name if count == 1 else f"{name}*{count}" for name, count in rows)
    return (
        f"attention/1 type={batch.element} query_heads={batch.query_heads}"
        f" kv_heads={batch.kv_heads} head={batch.head_size} block={batch.block_size}"
        f" padded={batch.padded_rows} rows={written}"
    )
