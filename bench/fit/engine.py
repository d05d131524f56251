"""What the real vLLM makes of a model's key-value cache, in a process of its own: prints one JSON document.

``python -m bench.fit.engine DIRECTORY CONTEXT CACHE_GIB BATCHED``: random weights of the shape in ``config.json``; no
tokenizer is needed, no prompt is answered.
"""

import json
import os
import sys


def main() -> int:
    """Start an engine and read what it has decided."""
    directory, context, gib, batched = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    os.environ |= {"VLLM_CPU_KVCACHE_SPACE": gib, "VLLM_ENABLE_V1_MULTIPROCESSING": "0", "HF_HUB_OFFLINE": "1"}
    os.environ |= {"VLLM_NO_USAGE_STATS": "1", "VLLM_HOST_IP": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
    from vllm import LLM, __version__  # noqa: PLC0415 - after the environment that it reads

    engine = LLM(
        model=directory,
        load_format="dummy",
        skip_tokenizer_init=True,
        enforce_eager=True,
        dtype="bfloat16",
        max_model_len=context,
        max_num_seqs=4,
        max_num_batched_tokens=batched,
    )
    cache = engine.llm_engine.vllm_config.cache_config
    told = {"tokens": cache.kv_cache_size_tokens, "block": cache.block_size, "vllm": __version__}
    print(f"\nFIT {json.dumps(told)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
