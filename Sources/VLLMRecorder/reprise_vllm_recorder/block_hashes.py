"""Identities of prompts' blocks, from which prompts cannot be told.

vLLM names each full block of a prompt by a hash of its tokens and of those before it. A hash of known tokens can be
computed by anyone, so it is hashed again with a secret that lives as long as the engine's process: in one
trace, equal prefixes have equal names, and that is all they say.
"""

import secrets
from array import array


class BlockHashes:
    """Names of blocks for one trace."""

    def __init__(self, scheduler):
        self.secret = secrets.token_bytes(16)
        # Before 0.10.2 the cache keeps them, afterwards the request.
        self.kept = getattr(scheduler.kv_cache_manager, "req_to_block_hashes", None)
        self.tokens = getattr(scheduler, "hash_block_size", None) or scheduler.block_size

    def of(self, request):
        """The names of the full blocks of a request's prompt, 64 bits each; empty where nothing is cached."""
        blocks = getattr(request, "block_hashes", None)
        if blocks is None:
            blocks = (self.kept or {}).get(request.request_id, ())
        blocks = blocks[: request.num_prompt_tokens // self.tokens]
        if blocks and not isinstance(blocks[0], bytes):
            blocks = [hash(getattr(block, "hash_value", block)).to_bytes(8, "little", signed=True) for block in blocks]
        # Python's own hash of bytes is a keyed one, and a loop over a long prompt's blocks has to be C's.
        return array("q", map(hash, map(self.secret.__add__, blocks)))
