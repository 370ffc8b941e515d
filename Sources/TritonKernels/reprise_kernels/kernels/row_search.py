"""Which row of the batch a program works on."""

import triton
import triton.language as tl


@triton.jit
def row_of_query_block(query_starts, query_block, rows, BLOCK_Q: tl.constexpr):
    """The row that owns a query block, when row i's blocks begin at query_starts[i] // BLOCK_Q + i.

    That start is an upper bound of the blocks of all rows before i, so that the grid can be sized
    without reading lengths on the host; surplus programs find their row too short and exit. Rows
    without tokens share their start with the next one and lose the search to it.
    """
    low = 0
    high = rows
    while low < high:
        middle = (low + high) // 2
        first = tl.load(query_starts + middle) // BLOCK_Q + middle
        if first <= query_block:
            low = middle + 1
        else:
            high = middle
    return low - 1


@triton.jit
def row_of_token(query_starts, token, rows):
    """The last row that starts at or before a token; padding tokens get the last row."""
    low = 0
    high = rows
    while low < high:
        middle = (low + high) // 2
        if tl.load(query_starts + middle) <= token:
            low = middle + 1
        else:
            high = middle
    return low - 1
