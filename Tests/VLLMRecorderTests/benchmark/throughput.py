"""Throughput of a real engine on this machine's CPU with recording and without, in turns.

    REPRISE_RECORDER_LIBRARY=.build/release/libRepriseRecorder.so python Tests/VLLMRecorderTests/benchmark/throughput.py

One engine of vLLM with a tiny model answers the same requests over and over; in every second run its scheduler's
recording is set aside, so that what differs is the recording alone. Pairs of neighbouring runs give the difference,
and a bootstrap over the pairs its 95 % confidence interval. Prints one line.
"""

import logging
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))
os.environ |= {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "VLLM_CPU_KVCACHE_SPACE": "1"}
# The engine runs in this process: otherwise its scheduler is out of reach.
os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"

import tiny

REQUESTS, PROMPT, OUTPUTS = 64, 32, 64
SECONDS = float(os.environ.get("SECONDS_TO_RUN", "180"))


def run(engine, parameters, prompts):
    start = time.perf_counter()
    engine.generate(prompts, parameters, use_tqdm=False)
    return time.perf_counter() - start


def main():
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        os.environ["REPRISE_TRACE"] = str(Path(name) / "throughput.reprise")
        from vllm import LLM, SamplingParams

        model = tiny.write_model(Path(name))
        engine = LLM(
            model=str(model), load_format="dummy", skip_tokenizer_init=True, enforce_eager=True, max_model_len=2048,
            block_size=32, enable_prefix_caching=False, max_num_seqs=REQUESTS)  # fmt: skip
        parameters = SamplingParams(max_tokens=OUTPUTS, ignore_eos=True, detokenize=False)
        prompts = [{"prompt_token_ids": [5 + place] * PROMPT} for place in range(REQUESTS)]
        scheduler = engine.llm_engine.engine_core.engine_core.scheduler
        for _ in range(3):
            run(engine, parameters, prompts)
        recording = scheduler._reprise_recording
        assert recording is not None, "the plugin does not record"
        dice, pairs, began = random.Random(1), [], time.perf_counter()
        while time.perf_counter() - began < SECONDS:
            times = {}
            for records in dice.sample((True, False), 2):
                scheduler._reprise_recording = recording if records else None
                times[records] = run(engine, parameters, prompts)
            pairs.append(times)
        scheduler._reprise_recording = recording
        counts = recording.recorder.read_statistics()
        assert counts.dropped_steps == 0 and counts.invalid_calls == 0, counts.last_error
        changes = [100 * (pair[False] / pair[True] - 1) for pair in pairs]
        means = sorted(statistics.fmean(dice.choices(changes, k=len(changes))) for _ in range(5000))
        tokens = REQUESTS * OUTPUTS
        print(
            f"throughput with recording {statistics.fmean(changes):+.2f} % "
            f"(95 %: {means[125]:+.2f} to {means[4874]:+.2f}) of {len(pairs)} pairs of runs; "
            f"{tokens / statistics.median(pair[False] for pair in pairs):.0f} tokens/s, "
            f"{1000 * statistics.median(pair[False] for pair in pairs) / (OUTPUTS + 1):.2f} ms a step without"
        )


if __name__ == "__main__":
    main()
