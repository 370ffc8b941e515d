import importlib.util

import pytest

from reprise_providers import __main__ as program
from reprise_providers import providers
from reprise_providers.providers import installed_variants


def test_a_provider_is_a_file_and_variants_carry_their_package_and_its_version(monkeypatch):
    versions = {"vllm": "0.24.0", "flashinfer-python": "0.6.12"}
    monkeypatch.setattr(providers, "installed_version", versions.get)
    names = installed_variants()
    assert "vllm-0.24.0/triton-2d" in names and "vllm-0.24.0/triton-3d-16" in names
    assert "vllm-0.24.0/flash-attention-3" in names
    assert names["flashinfer-0.6.12/flashinfer"].image == "flashinfer-python 0.6.12"


def test_packages_that_are_not_installed_have_no_variants(monkeypatch):
    monkeypatch.setattr(providers, "installed_version", lambda package: None)
    assert installed_variants() == {}


def test_the_splits_of_mla_follow_vllm():
    from reprise_providers.providers.vllm_triton_mla import ruled_splits

    splits = {500: 1, 1024: 2, 2048: 4, 4096: 8, 5000: 16, 32768: 64, 131072: 256, 163840: 264}
    assert {length: ruled_splits(length, 132) for length in splits} == splits


def test_every_split_that_the_mla_rule_chooses_is_provided():
    from reprise_providers.providers.vllm_triton_mla import VARIANTS, ruled_splits

    for multiprocessors in (78, 108, 132, 148):
        for length in (1, 512, 16_384, 65_536, 163_840):
            assert f"triton-mla-{ruled_splits(length, multiprocessors)}" in VARIANTS


def test_a_plan_of_kernels_that_are_not_there_is_a_wrong_call(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "installed_variants", dict)
    path = tmp_path / "plan.jsonl"
    batch = "attention/1 type=bf16 query_heads=8 kv_heads=8 head=64 block=16 padded=1 rows=5"
    path.write_text(
        '{"format":"reprise-plan/1"}\n{"batch":"%s","variants":["vllm-0.24.0/triton-2d"]}\n' % batch
    )
    code = program.main(["measure", str(path), "--store", str(tmp_path / "s.sqlite")])
    errors = capsys.readouterr().err
    assert code == 2 and errors.count("\n") == 1 and "vllm-0.24.0/triton-2d" in errors


def test_batches_to_place_are_of_single_tokens_and_of_all_launches():
    pytest.importorskip("torch")
    from reprise_providers.batch import read_batch
    from reprise_providers.place import evenly

    head = "attention/1 type=bf16 query_heads=4 kv_heads=1 head=128 block=16"
    plan = [read_batch(f"{head} padded={rows} rows={length}*{rows}") for rows in (1, 8, 16) for length in range(100, 130)]
    prompt = read_batch(f"{head} padded=1 rows=500/500")
    chosen = evenly([prompt, *plan], 12)
    assert [batch.rows for batch in chosen] == [1] * 4 + [8] * 4 + [16] * 4
    assert len({batch.text for batch in chosen}) == 12
    assert evenly([prompt], 12) == []


def test_results_of_installed_kernels_agree_with_float64():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: kernels of packages are checked on a GPU")
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU: kernels of packages are checked on one")
    from reprise_providers.batch import read_batch
    from reprise_providers.bench import Bench
    from reprise_providers.providers import Unsuited

    bench = Bench()
    batch = read_batch(
        "attention/1 type=bf16 query_heads=32 kv_heads=8 head=128 block=16 padded=4 rows=500,33*3"
    )
    for variant in installed_variants().values():
        try:
            assert bench.error(variant.prepare, batch) < program.TOLERANCE
        except Unsuited:
            pass
