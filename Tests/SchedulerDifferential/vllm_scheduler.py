"""vLLM's own scheduler without an engine around it: how it is made, what it is asked, and what it is told."""

import inspect
import json
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch
import vllm
from vllm.config import CacheConfig, DeviceConfig, ModelConfig, SchedulerConfig, VllmConfig
from vllm.platforms import current_platform
from vllm.sampling_params import SamplingParams
from vllm.v1.core import kv_cache_utils
from vllm.v1.core.kv_cache_utils import init_none_hash
from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request
from vllm.v1.structured_output import StructuredOutputManager

try:
    from vllm.utils.hashing import sha256
except ImportError:
    from vllm.utils import sha256

if not current_platform.device_type:
    # A vLLM without its compiled parts, which the scheduler does without; before 0.11 it asks this nevertheless.
    type(current_platform).is_async_output_supported = classmethod(lambda *arguments: True)

VERSION = vllm.__version__.split("+")[0]
# vLLM asks for a model before it makes a scheduler. Only its longest context matters here.
MODEL = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float16",
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 1000, "max_position_embeddings": 1 << 18,
    "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2,
}
# Tokens of prompts that no prefix names, and tokens that "the model" gives: no two are equal, and none
# equals one that a prefix names.
PRIVATE_TOKENS = 1 << 50
GENERATED_TOKENS = 1 << 55
# Longer than any prompt, so that private tokens of two requests differ.
PRIVATE_TOKENS_PER_REQUEST = 1 << 20


def prepare():
    """Before the first request of a process: blocks' hashes begin somewhere."""
    init_none_hash(sha256)


def write_model(folder):
    """A model's folder, as far as vLLM reads it."""
    Path(folder, "config.json").write_text(json.dumps(MODEL))


def has_option(name):
    """Whether this release's scheduler has an option."""
    return name in SchedulerConfig.__dataclass_fields__


def make_scheduler(engine, model):
    """vLLM's scheduler for an engine, with KV blocks of one layer that nothing is written to."""
    cache = CacheConfig(block_size=engine.block_size, enable_prefix_caching=engine.caching)
    config = VllmConfig(
        model_config=ModelConfig(
            model=model, dtype="float16", seed=0, skip_tokenizer_init=True,
            max_model_len=engine.max_length),
        scheduler_config=accepted(
            SchedulerConfig, max_num_seqs=engine.sequences, max_model_len=engine.max_length,
            # The configuration refuses less than one token a sequence; the scheduler does not mind.
            max_num_batched_tokens=max(engine.budget, engine.sequences),
            long_prefill_token_threshold=engine.threshold, enable_chunked_prefill=True,
            is_encoder_decoder=False, async_scheduling=engine.asynchronous,
            scheduler_reserve_full_isl=engine.reserves, watermark=engine.watermark,
            max_num_active_seqs=engine.active or None,
            long_prefill_token_threshold_adaptive=engine.adaptive),
        cache_config=cache, device_config=DeviceConfig("cpu"))
    config.scheduler_config.max_num_batched_tokens = engine.budget
    # One block more: vLLM keeps block 0 for itself.
    cache.num_gpu_blocks = engine.blocks + 1
    layer = accepted(
        FullAttentionSpec, block_size=engine.block_size, num_kv_heads=1, head_size=1,
        dtype=torch.float32, use_mla=False)
    scheduler = accepted(
        AsyncScheduler if engine.asynchronous else Scheduler, vllm_config=config,
        kv_cache_config=KVCacheConfig(
            num_blocks=engine.blocks + 1, kv_cache_tensors=[],
            kv_cache_groups=[KVCacheGroupSpec(["layer"], layer)]),
        structured_output_manager=StructuredOutputManager(config),
        block_size=engine.block_size, hash_block_size=engine.block_size, log_stats=False)
    scheduler.max_num_scheduled_tokens = engine.budget
    return scheduler


def accepted(make, **arguments):
    """Calls `make` with those arguments that this release has."""
    known = inspect.signature(Scheduler if make is AsyncScheduler else make).parameters
    return make(**{name: value for name, value in arguments.items() if name in known})


def make_request(place, case, hasher):
    """A case's request number `place`; equal prefixes become equal tokens."""
    arrival = case.arrivals[place]
    tokens = [
        piece * case.prefix_tokens + offset
        for piece in arrival.prefix for offset in range(case.prefix_tokens)
    ][: arrival.prompt]
    private = PRIVATE_TOKENS + place * PRIVATE_TOKENS_PER_REQUEST
    tokens += range(private + len(tokens), private + arrival.prompt)
    return new_request(str(place), tokens, arrival.outputs, hasher)


def new_request(name, prompt, outputs, hasher):
    """A request for text alone that gets all of its output tokens."""
    given = {
        "request_id": name, "prompt_token_ids": prompt, "block_hasher": hasher,
        "sampling_params": SamplingParams(ignore_eos=True, max_tokens=outputs)}
    # Releases differ in what they ask for, if only to be told that it is nothing.
    asked = inspect.signature(Request).parameters.values()
    nothing = {parameter.name: None for parameter in asked if parameter.default is parameter.empty}
    return accepted(Request, **nothing | given)


def block_hasher(block_size):
    """What gives a request's blocks their hashes; None before 0.10.2, whose cache does so itself."""
    make = getattr(kv_cache_utils, "get_request_block_hasher", None)
    return make and make(block_size, sha256)


def sampling_rows(scheduler, output):
    """For each row, whether it reaches the end of what is known, so that a token comes of it."""
    def samples(request):
        if hasattr(request, "is_prefill_chunk"):
            return not request.is_prefill_chunk
        # Before 0.18: a row that samples has promised its own token by now.
        ahead = max(0, getattr(request, "num_output_placeholders", 0) - 1)
        return request.num_computed_tokens >= request.num_tokens + ahead

    return [samples(scheduler.requests[name]) for name in output.num_scheduled_tokens]


def deliver(scheduler, output, samples, tokens):
    """Hands a step's tokens to the scheduler, one of `tokens` for each row that samples."""
    names = list(output.num_scheduled_tokens)
    scheduler.update_from_output(
        output,
        accepted(
            ModelRunnerOutput, spec_token_ids=None, req_ids=names, req_id_to_index={name: row for row, name in enumerate(names)},
            sampled_token_ids=[[next(tokens)] if sample else [] for sample in samples],
            logprobs=None, prompt_logprobs_dict={}, pooler_output=[]))
