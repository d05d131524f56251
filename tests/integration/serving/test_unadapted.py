"""Rows of a batch without an adapter, in vLLM's own arithmetic: in a process of its own, so that torch goes with it."""

import json
import subprocess
import sys

PROGRAM = """
import json
import torch
from vllm.lora.ops.torch_ops import lora_ops
from vllm.lora.punica_wrapper import punica_cpu

weights = torch.ones(2, 1, 3, 4)
weights[1] *= 10
inputs, numbers, ones = torch.ones(3, 4), torch.tensor([-1, 0, 1]), torch.tensor([1, 1, 1])


def told():
    outputs = [torch.full((3, 3), 0.5) for _ in range(4)]
    at = (torch.tensor([0, 1, 2]), ones, numbers, 3, 1, 3)
    punica_cpu.bgmv_expand(inputs, weights, outputs[0], numbers, add_inputs=True)
    punica_cpu.bgmv_expand_slice(inputs, weights, outputs[1], numbers, 0, 3, True)
    punica_cpu.sgmv_expand(inputs, weights, outputs[2], *at, True)
    punica_cpu.sgmv_expand_slice(inputs, weights, outputs[3], *at, 0, 3, True)
    return [output[:, 0].tolist() for output in outputs]


before = told()
import appliance.drivers.vllm.unadapted
print(json.dumps([before, told()]))
"""


def test_a_row_without_an_adapter_is_left_as_it_is() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=300)
    before, after = json.loads(done.stdout.splitlines()[-1])
    assert before == [[40.5, 4.5, 40.5]] * 4, "vLLM does it by itself now: take unadapted.py away"
    assert after == [[0.5, 4.5, 40.5]] * 4
