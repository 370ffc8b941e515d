"""Drives a real V1 engine through `AsyncLLM` with Poisson traffic; prints what the client saw as JSON.

    python poisson_client.py MODEL KV_BLOCKS ENGINES
"""

import asyncio
import json
import os
import random
import sys
import time

REQUESTS = 80
PER_SECOND = 60


async def ask(engine, name, dice):
    from vllm import SamplingParams

    prompt, wanted = dice.randint(3, 900), dice.randint(1, 60)
    sent, first, tokens = time.time(), None, 0
    parameters = SamplingParams(max_tokens=wanted, ignore_eos=True, detokenize=False)
    async for output in engine.generate({"prompt_token_ids": [5 + dice.randrange(900)] * prompt}, parameters, name):
        first = first or time.time()
        tokens = len(output.outputs[0].token_ids)
    return {"sent": sent, "first": first, "prompt": prompt, "tokens": tokens, "wanted": wanted}


async def main(model, blocks, engines):
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    config = AsyncEngineArgs(
        model=model, load_format="dummy", skip_tokenizer_init=True, enforce_eager=True, disable_log_stats=True,
        max_model_len=2048, block_size=32, num_gpu_blocks_override=blocks, scheduler_cls="independent_log.LoggingScheduler",
        enable_prefix_caching=False, data_parallel_size=engines).create_engine_config()  # fmt: skip
    # Engines fork off, as they do on a GPU that the caller has not used; the server's are spawned.
    os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"
    engine = AsyncLLM.from_vllm_config(config)
    dice, asked = random.Random(8), []
    for number in range(REQUESTS):
        asked.append(asyncio.create_task(ask(engine, f"r{number}", random.Random(number))))
        await asyncio.sleep(dice.expovariate(PER_SECOND))
    seen = await asyncio.gather(*asked)
    engine.shutdown()
    print(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
