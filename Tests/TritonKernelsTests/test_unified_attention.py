"""Unified attention against float64, in Triton's interpreter."""

import numpy as np
import pytest
from batches import paged_batch, relative_error, run
from host_tensor import HostTensor

from reprise_kernels.kernels.reduce_segments import reduce_segments
from reprise_kernels.shapes import Shape
from reprise_kernels.variants import Variant, named

# fp16's rounding of inputs does not count, as the reference reads the rounded ones; what remains is
# that of the weights and of the output.
TOLERANCE = 2e-3
SHAPE = Shape(64, 4, element="fp16")


def check(variant, shape, query_lens, kv_lens, **options):
    batch = paged_batch(shape, query_lens, kv_lens, **options)
    tokens = sum(query_lens)
    output = run(variant, shape, batch)
    assert relative_error(output[:tokens], batch.reference[:tokens]) < TOLERANCE
    return output[tokens:]


TILE_EDGES = [1, 15, 16, 17, 31, 32, 33, 47, 49]


@pytest.mark.parametrize("name", ["triton-2d", "triton-3d-2", "triton-3d-16", "triton-3d-16-t32"])
def test_decode_rows_are_right_at_every_edge_of_a_tile_and_block(name):
    check(named(name), SHAPE, [1] * len(TILE_EDGES), TILE_EDGES)


@pytest.mark.parametrize("kv_len", [255, 256, 257, 272, 273])
def test_split_rows_are_right_around_the_length_that_fills_sixteen_segments(kv_len):
    check(named("triton-3d-16"), SHAPE, [1], [kv_len], kv_heads=1)


@pytest.mark.parametrize("name", ["triton-3d-64", "triton-3d-128"])
def test_more_segments_than_tiles_leave_no_trace(name):
    check(named(name), SHAPE, [1, 1], [40, 130], kv_heads=1)


@pytest.mark.parametrize("name", ["triton-2d", "triton-2d-m32", "triton-2d-m64-t64"])
def test_prefill_chunks_and_decode_rows_mix_in_one_batch(name):
    check(named(name), SHAPE, [1, 20, 1, 7, 33], [50, 20, 3, 40, 70])


@pytest.mark.parametrize("name", ["triton-2d-pr19152", "triton-3d-16-pr19152"])
def test_the_pull_requests_form_is_right_for_decode_rows(name):
    check(named(name), SHAPE, [1] * len(TILE_EDGES), TILE_EDGES, nan_ends=False)


def test_the_pull_requests_form_is_right_for_prefill_without_causal_skipping():
    check(named("triton-2d-pr19152"), SHAPE, [20, 1, 9], [20, 33, 41], nan_ends=False)


@pytest.mark.parametrize("ratio", [1, 3, 5, 8, 16, 24])
def test_any_ratio_of_query_heads_to_kv_heads_is_right(ratio):
    shape = Shape(64, ratio, element="fp16")
    check(named("triton-2d"), shape, [1, 9], [20, 25])
    check(named("triton-3d-4"), shape, [1, 1], [20, 70])


@pytest.mark.parametrize("head_size, block_size", [(128, 32), (256, 64), (80, 16)])
def test_head_and_block_sizes_beside_the_common_ones_are_right(head_size, block_size):
    shape = Shape(head_size, 2, block_size, "fp16")
    check(named("triton-2d"), shape, [5, 1], [70, 65], kv_heads=1)
    check(named("triton-3d-8"), shape, [1, 1], [70, 65], kv_heads=1)


@pytest.mark.parametrize("exponent", [True, False])
def test_structural_alternatives_compute_the_same_function(exponent):
    for segments in (1, 4):
        variant = Variant("alternative", "unified", 16, segments, base_2=exponent)
        check(variant, SHAPE, [1, 1], [37, 90])


@pytest.mark.parametrize("name", ["triton-2d", "triton-3d-4", "triton-3d-16"])
def test_rows_without_tokens_leave_the_other_rows_alone(name):
    check(named(name), SHAPE, [1, 0, 1, 0, 0], [20, 0, 35, 0, 0])


def test_padding_rows_of_a_graph_get_zeros_from_the_reduction():
    # Two rows of one token, padded to four rows and four tokens.
    padding = check(named("triton-3d-16"), SHAPE, [1, 1, 0, 0], [20, 300, 0, 0], padding_tokens=2)
    assert padding.shape[0] == 2 and np.all(padding == 0)


def test_a_row_without_kv_gives_zero_and_never_nan():
    for name in ("triton-2d", "triton-3d-16"):
        batch = paged_batch(SHAPE, [1, 1], [1, 20])
        batch.tensors["kv_lens"].array[0] = 0
        output = run(named(name), SHAPE, batch)
        assert np.all(output[0] == 0)
        assert relative_error(output[1], batch.reference[1]) < TOLERANCE


@pytest.mark.parametrize("maximum", [0.0, -np.inf])
def test_sums_of_zero_reduce_to_zero_and_never_nan(maximum):
    # What segments hold when every score of theirs was masked.
    output = HostTensor(np.full((1, 1, 64), np.nan, np.float16))
    reduce_segments[(1, 1, 1)](
        output,
        HostTensor(np.zeros((1, 1, 4, 64), np.float32)),
        HostTensor(np.full((1, 1, 4), maximum, np.float32)),
        HostTensor(np.zeros((1, 1, 4), np.float32)),
        HostTensor(np.array([64], np.int32)),
        HostTensor(np.array([0, 1], np.int32)),
        1,
        64,
        64,
        HEAD_SIZE=64,
        HEAD_PADDED=64,
        TILE=16,
        NUM_SEGMENTS=4,
        BASE_2=False,
    )
    assert np.all(output.array == 0)


def test_random_mixes_of_rows_are_right():
    seed = int(np.random.SeedSequence().entropy % 2**32)
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    rows = 6
    query_lens = random.integers(0, 12, rows)
    query_lens[0] = 1
    kv_lens = [int(q + random.integers(0, 60)) if q else 0 for q in query_lens]
    check(named("triton-2d"), SHAPE, query_lens.tolist(), kv_lens, seed=seed)


def test_a_segment_that_a_token_cannot_see_does_not_outweigh_very_negative_scores():
    batch = paged_batch(SHAPE, [4], [18], kv_heads=1)
    # Scores near -200: a maximum of 0 from the hidden tile would round all weights to zero.
    query, cache = batch.tensors["query"].array, batch.tensors["key_cache"].array
    query[:] = 5.0
    keys = cache[:, 0]
    keys[~np.isnan(keys)] = -5.0
    output = run(named("triton-3d-2"), SHAPE, batch)
    assert np.isfinite(output).all() and np.abs(output[0]).sum() > 1


def test_short_queries_of_several_tokens_can_be_split():
    check(named("triton-3d-4"), SHAPE, [4, 8, 2], [40, 65, 2])
