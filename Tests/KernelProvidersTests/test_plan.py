import json

import pytest

from reprise_providers.batch import PlanError, batch_text, read_batch
from reprise_providers.plan import read_plan

TEXT = (
    "attention/1 type=bf16 query_heads=32 kv_heads=8 head=128 block=16"
    " padded=8 rows=1200,77*3,512/512"
)


def write(folder, *lines):
    path = folder / "plan.jsonl"
    path.write_text("".join(line + "\n" for line in lines))
    return path


HEADER = '{"format":"reprise-plan/1","cache":"cold"}'


def test_a_batch_is_read_from_the_text_that_names_it_and_written_back():
    batch = read_batch(TEXT)
    assert batch.kv_lens == (1200, 77, 77, 77, 512)
    assert batch.query_lens == (1, 1, 1, 1, 512)
    assert (batch.rows, batch.tokens, batch.is_decode) == (8, 516, False)
    assert batch.blocks == 75 + 3 * 5 + 32
    assert batch_text(batch) == TEXT


def test_padding_rows_of_a_decode_batch_stand_for_one_token_each():
    batch = read_batch(TEXT.replace(",512/512", "").replace("padded=8", "padded=16"))
    assert (batch.rows, batch.tokens) == (16, 16)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT.replace("attention/1", "attention/2"),
        TEXT.replace("77*3", "77*x"),
        TEXT.replace("kv_heads=8", "kv_heads=0"),
        TEXT.replace("kv_heads=8", "kv_heads=5"),
        TEXT.replace("1200", "99999999999"),
    ],
)
def test_what_is_no_batch_is_refused(text):
    with pytest.raises(PlanError):
        read_batch(text)


def test_a_plan_holds_each_batch_once_with_the_variants_it_is_wanted_for(tmp_path):
    line = json.dumps({"batch": TEXT, "variants": ["vllm-0.24.0/triton-2d"], "later": 1})
    plan = read_plan(write(tmp_path, HEADER, line, line, json.dumps({"batch": TEXT + ",9"})))
    assert plan.cache == "cold"
    assert [len(planned.variants) for planned in plan.batches] == [1, 0]


@pytest.mark.parametrize(
    "lines, place",
    [
        ([], "empty"),
        (["{}"], ":1:"),
        ([HEADER.replace("cold", "lukewarm")], ":1:"),
        ([HEADER, "no JSON"], ":2:"),
        ([HEADER, '{"batch": "x"}'], ":2:"),
        ([HEADER, '{"batch": 1}'], ":2:"),
    ],
)
def test_a_damaged_plan_names_its_line(tmp_path, lines, place):
    with pytest.raises(PlanError) as error:
        read_plan(write(tmp_path, *lines))
    assert place in str(error.value)


def test_a_plan_that_is_not_there_is_an_error_of_one_line(tmp_path):
    with pytest.raises(PlanError) as error:
        read_plan(tmp_path / "absent")
    assert "\n" not in str(error.value)
