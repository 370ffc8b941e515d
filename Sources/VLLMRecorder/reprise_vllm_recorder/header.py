"""What a trace says of its engine: a header as `engine-step-log/1` has it, from vLLM's configuration."""

import contextlib
import ctypes
import importlib.metadata
import multiprocessing

# What recording reads of a scheduler, in all versions that can be recorded.
NEEDED = ("vllm_config", "requests", "running", "waiting", "finished_req_ids", "kv_cache_manager", "block_size")


class UnknownEngine(Exception):
    """This vLLM cannot be recorded."""


def check(scheduler):
    """Throws where a scheduler lacks what recording reads."""
    missing = [name for name in NEEDED if not hasattr(scheduler, name)]
    if missing:
        raise UnknownEngine(f"vLLM {version()} is not known to this plugin: its scheduler has no {', no '.join(missing)}")
    fields = cached_fields()
    if "num_computed_tokens" not in fields or "req_ids" not in fields:
        raise UnknownEngine(f"vLLM {version()} is too old for this plugin: 0.10 or later can be recorded")


def cached_fields():
    """The names of the columns in which vLLM lists requests that go on; before 0.10 it had none."""
    from vllm.v1.core.sched import output

    return getattr(getattr(output, "CachedRequestData", None), "__dataclass_fields__", {})


def version():
    """vLLM's version."""
    import vllm

    return getattr(vllm, "__version__", "of unknown version")


def engine_index(scheduler):
    """The engine's number where several share the requests; None where there is one.

    Engines of a model without experts are told that each is alone; what is left of the group is its number and, of
    the first, the name of its process.
    """
    parallel = scheduler.vllm_config.parallel_config
    index = getattr(parallel, "data_parallel_index", None)
    if index is None:
        index = getattr(parallel, "data_parallel_rank", 0)
    several = getattr(parallel, "data_parallel_size", 1) > 1 or multiprocessing.current_process().name.endswith("_DP0")
    return index if index or several else None


def describe(scheduler, hashes):
    """The header. What this version of vLLM does not say is left out."""
    config = scheduler.vllm_config
    members = {"schema": "engine-step-log/1", "engine": "vllm", "engine_version": version()}
    for part in (gpu, model, attention, cache, limits, runner, graphs, parallelism, packages):
        # A trace without one of its details is better than none.
        with contextlib.suppress(Exception):
            members.update(part(scheduler, config))
    if hashes:
        members["prefix_block_tokens"] = getattr(scheduler, "hash_block_size", None) or scheduler.block_size
    return {key: value for key, value in members.items() if value is not None}


def gpu(scheduler, config):
    from vllm.platforms import current_platform

    if not (current_platform.is_cuda() or current_platform.is_rocm()):
        return {"device": current_platform.device_type}
    members = {"gpu": current_platform.get_device_name()}
    if current_platform.is_cuda():
        members.update(sm_count=multiprocessors())
    return members


def multiprocessors():
    """Multiprocessors of the first GPU, asked of the driver: asking torch would take memory on the GPU."""
    driver = ctypes.CDLL("libcuda.so.1")
    device, count = ctypes.c_int(), ctypes.c_int()
    count_attribute = 16
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), 0):
        return None
    if driver.cuDeviceGetAttribute(ctypes.byref(count), count_attribute, device):
        return None
    return count.value


def model(scheduler, config):
    described = config.model_config
    text = getattr(described, "hf_text_config", None) or described.hf_config
    # Counts of heads are those of the whole model, whatever the tensor parallelism.
    return {
        "model": {
            "name": str(getattr(described, "served_model_name", None) or described.model),
            "layers": text.num_hidden_layers,
            "hidden_size": described.get_hidden_size(),
            "intermediate_size": getattr(text, "intermediate_size", None),
            "num_query_heads": text.num_attention_heads,
            "num_kv_heads": described.get_total_num_kv_heads(),
            "head_size": described.get_head_size(),
            "vocab_size": described.get_vocab_size(),
            "dtype": str(described.dtype).removeprefix("torch."),
            "max_model_len": described.max_model_len,
        },
        "quantization": getattr(described, "quantization", None),
    }


def attention(scheduler, config):
    """The backend of the first layer where the model is in this process, else the one that was asked for."""
    import vllm.envs

    layers = getattr(config.compilation_config, "static_forward_context", {})
    backends = [layer.attn_backend.get_name() for layer in layers.values() if hasattr(layer, "attn_backend")]
    asked = getattr(getattr(config, "attention_config", None), "backend", None)
    name = backends[0] if backends else getattr(asked, "name", asked)
    return {"attention_backend": name or getattr(vllm.envs, "VLLM_ATTENTION_BACKEND", None)}


def cache(scheduler, config):
    described = config.cache_config
    # Block 0 holds nothing: vLLM keeps it for rows of padding.
    blocks = described.num_gpu_blocks - 1
    return {
        "kv_block_size": scheduler.block_size,
        "kv_cache_blocks": blocks,
        "kv_cache_tokens": blocks * scheduler.block_size,
        "kv_cache_dtype": str(described.cache_dtype),
        "prefix_caching": bool(described.enable_prefix_caching),
    }


# Options of the scheduler that change batches, each where the version has it.
SCHEDULER_OPTIONS = (
    "long_prefill_token_threshold", "long_prefill_token_threshold_adaptive", "max_num_active_seqs", "scheduler_reserve_full_isl",
    "watermark",
)  # fmt: skip


def limits(scheduler, config):
    described = config.scheduler_config
    speculative = getattr(config, "speculative_config", None)
    return {
        "max_num_batched_tokens": getattr(scheduler, "max_num_scheduled_tokens", described.max_num_batched_tokens),
        "max_num_seqs": described.max_num_seqs,
        **{option: getattr(described, option, None) for option in SCHEDULER_OPTIONS},
        # The V1 engine splits prompts unless told otherwise; some versions name it otherwise.
        "chunked_prefill": bool(
            getattr(described, "enable_chunked_prefill", getattr(described, "chunked_prefill_enabled", True))
        ),
        "scheduling_policy": str(getattr(described.policy, "value", described.policy)),
        # What schedules, whatever was asked for.
        "async_scheduling": any(base.__name__ == "AsyncScheduler" for base in type(scheduler).__mro__),
        "speculative_tokens": getattr(speculative, "num_speculative_tokens", None),
    }


def runner(scheduler, config):
    """Model Runner V1 leaves requests in their rows of the batch from step to step; V2 takes the scheduler's order."""
    import vllm.envs

    second = getattr(config, "use_v2_model_runner", getattr(vllm.envs, "VLLM_USE_V2_MODEL_RUNNER", False))
    return {"persistent_batch": not second}


def graphs(scheduler, config):
    described = config.compilation_config
    mode = getattr(described, "cudagraph_mode", None)
    if config.model_config.enforce_eager:
        name = "NONE"
    elif mode is not None:
        name = getattr(mode, "name", str(mode))
    else:
        name = "FULL" if getattr(described, "full_cuda_graph", False) else "PIECEWISE"
    return {
        "cuda_graph_mode": name,
        "cuda_graph_capture_sizes": sorted(described.cudagraph_capture_sizes or []) if name != "NONE" else [],
    }


def parallelism(scheduler, config):
    described = config.parallel_config
    return {
        "tensor_parallel": described.tensor_parallel_size,
        "pipeline_parallel": described.pipeline_parallel_size,
        "data_parallel": getattr(described, "data_parallel_size", 1),
        "data_parallel_rank": engine_index(scheduler),
    }


def packages(scheduler, config):
    versions = {}
    for name in ("reprise-vllm-recorder", "torch", "triton", "flashinfer-python"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return {"recorder": "vllm-plugin", "versions": versions}
