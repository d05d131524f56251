"""bfloat16 only where the processor computes in it."""

import pytest

from appliance.drivers.devices import computes_bfloat16


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16\n", True),
        ("flags\t\t: fpu amx_bf16 amx_tile\n", True),
        ("Features\t: fp asimd bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f\n", False),
        ("", False),
    ],
    ids=["AVX-512", "AMX", "ARM", "without", "unknown"],
)
def test_the_processor_s_flags_decide(cpuinfo: str, *, expected: bool) -> None:
    assert computes_bfloat16(cpuinfo) is expected
