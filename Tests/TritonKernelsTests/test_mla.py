"""MLA decode against float64, in Triton's interpreter."""

import numpy as np
import pytest
from batches import latent_batch, relative_error, run

from reprise_kernels.launches import BeyondReach, Geometry, launches
from reprise_kernels.shapes import latent_shape
from reprise_kernels.variants import named

TOLERANCE = 2e-3
SHAPE = latent_shape(block_size=64, element="fp16")
NAMES = ["triton-mla", "triton-mla-2025", "triton-mla-pages"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("splits", [1, 3, 4])
def test_any_number_of_splits_is_right_around_tiles_and_blocks(name, splits):
    batch = latent_batch(SHAPE, [1, 31, 33, 65, 140], heads=3, splits=splits)
    output = run(named(name), SHAPE, batch)
    assert relative_error(output, batch.reference) < TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_heads_past_the_last_block_of_sixteen_are_right(name):
    batch = latent_batch(SHAPE, [40], heads=18, splits=2)
    output = run(named(name), SHAPE, batch)
    assert relative_error(output, batch.reference) < TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_a_row_without_kv_gives_zero_and_never_nan(name):
    batch = latent_batch(SHAPE, [0, 40], heads=2, splits=4)
    output = run(named(name), SHAPE, batch)
    assert np.all(output[0] == 0)
    assert relative_error(output, batch.reference) < TOLERANCE


def test_pages_are_merged_when_a_split_has_more_tiles_than_pages():
    # 33 tiles of 32 tokens on 32 pages: page 0 takes two.
    batch = latent_batch(SHAPE, [33 * 32 - 5], heads=1, splits=1)
    output = run(named("triton-mla-pages"), SHAPE, batch)
    assert relative_error(output, batch.reference) < TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_partial_results_beyond_32_bit_offsets_are_refused(name):
    def steps(rows, splits):
        geometry = Geometry(rows, rows, 128, 1, 64, (64 * 576, 576), (64 * 576, 576), 1.0, splits)
        return launches(named(name), SHAPE, geometry)

    # 128 heads x 264 splits x 513 elements a row: 123 rows stay below 2**31.
    assert steps(123, 264)
    with pytest.raises(BeyondReach, match="2149576704 elements of partial results of 264 splits"):
        steps(124, 264)
    with pytest.raises(BeyondReach, match="elements of queries"):
        steps(30_000, 1)
