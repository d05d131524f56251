"""Mends vLLM's adapters on a processor, in its own worker (``--worker-extension-cls``), which imports this module.

One batch holds requests of several adapters and of none. vLLM 0.32 computes it in plain torch there and looks each
row's adapter up by its number: -1, which stands for none, is the last of all. So who asked without an adapter was
answered with another's while both were under way. The kernels for GPUs leave such rows out; now these do too.
"""

from collections.abc import Callable

import torch
from vllm.lora.ops import torch_ops
from vllm.lora.ops.torch_ops import lora_ops
from vllm.lora.punica_wrapper import punica_cpu

Expand = Callable[..., None]


class Extension:
    """What vLLM asks this module for: a worker gets nothing more."""


def left_out(expand: Expand) -> Expand:
    """The second half of an adapter's product, in which rows without an adapter count nothing."""

    def leaving_out(
        inputs: torch.Tensor,
        weights: torch.Tensor,
        output: torch.Tensor,
        numbers: torch.Tensor,
        *more: object,
        **named: object,
    ) -> None:
        expand(inputs.masked_fill((numbers < 0).unsqueeze(-1), 0), weights, output, numbers, *more, **named)

    return leaving_out


for _name in ("bgmv_expand", "bgmv_expand_slice"):
    _mended = left_out(getattr(lora_ops, _name))
    for _module in (lora_ops, torch_ops, punica_cpu):
        setattr(_module, _name, _mended)
