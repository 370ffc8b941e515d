"""Ahead-of-time builds, each in a process of its own, as no kernel is interpreted there."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import SOURCES

from reprise_kernels.__main__ import main
from reprise_kernels.compiler import key
from reprise_kernels.images import Image, steps
from reprise_kernels.launches import Geometry, grid_extents, scalar_arguments, scratch_elements
from reprise_kernels.shapes import MODELS, Shape, latent_shape
from reprise_kernels.variants import VARIANTS, Variant, named, variants_for

SMALL = ["--model", "gpt-oss-120b", "--variant", "triton-2d", "--variant", "triton-3d-16"]


def build(folder, *arguments):
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    environment["PYTHONPATH"] = str(SOURCES)
    return subprocess.run(
        [sys.executable, "-m", "reprise_kernels", "build", "--output", str(folder)]
        + ["--jobs", "2", *arguments],
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernels")
    result = build(folder, "--arch", "sm_90", *SMALL)
    assert result.returncode == 0, result.stderr
    return folder


def manifest_of(folder):
    return json.loads((folder / "sm_90" / "manifest.json").read_text())


def test_the_manifest_names_every_image_with_its_file_and_hash(built):
    found = manifest_of(built)
    assert found["format"] == "reprise-kernels/1"
    assert found["architecture"] == "sm_90" and found["triton"] == "3.6.0"
    kernels = [image["kernel"] for image in found["images"]]
    assert kernels == ["unified_attention", "unified_attention", "reduce_segments"]
    for image in found["images"]:
        cubin = (built / "sm_90" / image["file"]).read_bytes()
        assert cubin[:4] == b"\x7fELF"
        assert hashlib.sha256(cubin).hexdigest() == image["sha256"]
        assert image["entry"].encode() in cubin
        assert image["threads"] == 32 * image["num_warps"]
        assert image["global_scratch_bytes"] == 0 == image["profile_scratch_bytes"]
        assert 0 < image["shared_bytes"] <= 227 * 1024


def test_variants_name_images_and_extents_that_exist(built):
    found = manifest_of(built)
    keys = {image["key"] for image in found["images"]}
    assert [v["name"] for v in found["variants"]] == ["triton-2d", "triton-3d-16"]
    for variant in found["variants"]:
        assert all(launch["image"] in keys for launch in variant["launches"])
    split = found["variants"][1]
    assert split["launches"][0]["grid"] == ["query_blocks", "kv_heads", "segments"]
    assert split["launches"][1]["grid"] == ["tokens", "query_heads", "one"]


def test_a_second_build_compiles_nothing_and_writes_the_same_bytes(built):
    before = (built / "sm_90" / "manifest.json").read_bytes()
    result = build(built, "--arch", "sm_90", *SMALL)
    assert ", 0 compiled" in result.stdout
    assert (built / "sm_90" / "manifest.json").read_bytes() == before


def test_a_build_elsewhere_gives_the_same_bytes(built, tmp_path):
    elsewhere = tmp_path / "another folder"
    assert build(elsewhere, "--arch", "sm_90", *SMALL).returncode == 0
    for path in sorted((built / "sm_90").iterdir()):
        assert (elsewhere / "sm_90" / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_damaged_image_is_compiled_again(tmp_path):
    arguments = ["--arch", "sm_90", "--model", "gpt-oss-120b", "--variant", "triton-2d"]
    assert build(tmp_path, *arguments).returncode == 0
    cubin = next((tmp_path / "sm_90").glob("*.cubin"))
    whole = cubin.read_bytes()
    cubin.write_bytes(whole[:100])
    assert ", 1 compiled" in build(tmp_path, *arguments).stdout
    assert cubin.read_bytes() == whole


def listed(folder):
    return [(v["name"], v["shape"]) for v in manifest_of(folder)["variants"]]


def test_a_build_of_other_kernels_keeps_those_of_earlier_builds_that_are_still_current(built, tmp_path):
    folder = tmp_path / "kernels"
    shutil.copytree(built, folder)
    before = (folder / "sm_90" / "manifest.json").read_bytes()
    added = ["--arch", "sm_90", "--head-size", "512", "--variant", "triton-mla"]
    result = build(folder, *added)
    assert result.returncode == 0 and "2 variants of earlier builds kept" in result.stdout
    small = [("triton-2d", "h64-r8-b16-bf16"), ("triton-3d-16", "h64-r8-b16-bf16")]
    assert listed(folder) == [*small, ("triton-mla", "mla-b64-bf16")]
    # The same kernels in the other order give the same bytes.
    other = tmp_path / "other"
    assert build(other, *added).returncode == 0 and build(other, "--arch", "sm_90", *SMALL).returncode == 0
    assert (other / "sm_90" / "manifest.json").read_bytes() == (folder / "sm_90" / "manifest.json").read_bytes()
    # An image that is gone takes its variants along, one that a package of another version wrote too.
    whole = manifest_of(folder)
    reduce = next(i["file"] for i in whole["images"] if i["kernel"] == "reduce_segments")
    (folder / "sm_90" / reduce).unlink()
    stale = json.loads(before)
    stale["variants"][0]["launches"][0]["image"] = "0" * 24
    assert build(folder, *added).returncode == 0
    assert listed(folder) == [small[0], ("triton-mla", "mla-b64-bf16")]
    (folder / "sm_90" / "manifest.json").write_text(json.dumps(stale))
    assert build(folder, *added).returncode == 0
    assert listed(folder) == [("triton-mla", "mla-b64-bf16")]


def test_a_build_of_which_nothing_succeeds_leaves_the_manifest(built, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "kernels"
    shutil.copytree(built, folder)
    before = (folder / "sm_90" / "manifest.json").read_bytes()

    def fail(images, *_):
        return [], [(image, "out of memory") for image in images]

    monkeypatch.setattr("reprise_kernels.__main__.compile_all", fail)
    arguments = ["build", "--output", str(folder), "--arch", "sm_90", "--head-size", "512", "--variant", "triton-mla"]
    assert main(arguments) == 1
    assert "the manifest stays as it was" in capsys.readouterr().err
    assert (folder / "sm_90" / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--arch", "hopper"], "write it as sm_90"),
        (["--arch", "sm_90", "--head-size", "128"], "needs --ratio"),
        (["--arch", "sm_90", "--head-size", "96", "--ratio", "4"], "head size 96"),
        (["--arch", "sm_90", "--variant", "triton-4d"], "no variant 'triton-4d'"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_status_two(tmp_path, arguments, message):
    result = build(tmp_path, *arguments)
    assert result.returncode == 2
    assert message in result.stderr and result.stderr.count("\n") == 1


def test_keys_follow_constants_options_types_and_architecture():
    image = Image("mla_stage2", "bf16", (("LATENT", 512),), 4, 2)
    others = [
        Image("mla_stage2", "fp16", (("LATENT", 512),), 4, 2),
        Image("mla_stage2", "bf16", (("LATENT", 256),), 4, 2),
        Image("mla_stage2", "bf16", (("LATENT", 512),), 8, 2),
        Image("mla_stage2", "bf16", (("LATENT", 512),), 4, 3),
    ]
    keys = {key(i, "sm_90") for i in [image, *others]} | {key(image, "sm_80")}
    assert len(keys) == 6


def test_names_of_variants_are_unique():
    assert len({v.name for v in VARIANTS}) == len(VARIANTS)


@pytest.mark.parametrize("model", list(MODELS))
def test_every_grid_extent_and_scalar_is_defined(model):
    from importlib import import_module

    from reprise_kernels.images import SOURCES

    shape = MODELS[model]
    geometry = Geometry(2, 3, 16, 2, 8, (1, 2, 3), (1, 2, 3), 0.1, splits=4)
    for variant in variants_for(shape):
        extents = grid_extents(variant, shape, geometry)
        given = set(scalar_arguments(shape, geometry)) | set(
            scratch_elements(variant, shape, geometry)
        )
        for step in steps(variant, shape):
            assert set(step.grid) <= set(extents)
            module, table, _ = SOURCES[step.image.kernel]
            parameters = getattr(import_module(f"reprise_kernels.kernels.{module}"), table)
            scalars = {n for n, kind in parameters.items() if not kind.startswith("*")}
            assert scalars <= given


def test_block_m_and_the_grid_follow_the_ratio():
    geometry = Geometry(3, 10, 8, 2, 8, (1, 2, 3), (1, 2, 3), 0.1)
    for ratio, block_m, blocks in [(1, 16, 3), (4, 16, 5), (5, 16, 6), (16, 16, 13), (24, 32, 13)]:
        shape = Shape(128, ratio)
        assert named("triton-2d").resolved_block_m(shape) == block_m
        assert grid_extents(named("triton-2d"), shape, geometry)["query_blocks"] == blocks


def test_a_variant_too_narrow_for_the_ratio_and_one_of_another_family_do_not_fit():
    assert not Variant("narrow", "unified", block_m=16).fits(Shape(128, 24))
    assert not named("triton-2d").fits(latent_shape())
    assert not named("triton-mla").fits(Shape(128, 4))


def test_a_variant_that_the_architecture_cannot_hold_is_left_out_and_said(tmp_path):
    arguments = ["--head-size", "256", "--ratio", "2", "--variant", "triton-2d-m128-t64-w8"]
    arguments += ["--variant", "triton-2d"]
    result = build(tmp_path, "--arch", "sm_86", *arguments)
    assert result.returncode == 0
    assert "left out: triton-2d-m128-t64-w8 for h256-r2-b16-bf16" in result.stderr
    found = json.loads((tmp_path / "sm_86" / "manifest.json").read_text())
    assert [v["name"] for v in found["variants"]] == ["triton-2d"]
