"""From settings to a command line, case by case."""

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.drivers.vllm.arguments import BadEngineSettings, EngineSettings, Place, command, parse, ranges, settled

PLACE = Place(
    python=Path("/venv/bin/python"),
    program="vllm.server",
    model=Path("/models/smol"),
    names=("smol", "default"),
    socket=Path("/run/engine.sock"),
    cache=Path("/cache/vllm"),
    key="secret-key",
    cores=(0, 1, 2, 3),
    preload=(Path("/lib/tcmalloc.so"), Path("/lib/iomp5.so")),
    inherited={"PATH": "/bin", "AWS_SECRET": "never", "LD_PRELOAD": "/evil.so", "TMPDIR": "/tmp"},
)


def option(argv: tuple[str, ...], name: str) -> str | None:
    return argv[argv.index(name) + 1] if name in argv else None


def test_the_command_line_for_a_processor() -> None:
    found = command(EngineSettings(), PLACE)
    assert found.argv[:3] == ("/venv/bin/python", "-m", "vllm.server")
    assert option(found.argv, "--model") == "/models/smol"
    assert option(found.argv, "--uds") == "/run/engine.sock"
    assert option(found.argv, "--max-model-len") == "4096"
    assert option(found.argv, "--max-num-queued-reqs") == "48"
    assert option(found.argv, "--shutdown-timeout") == "10"
    assert option(found.argv, "--load-format") == "safetensors"
    names = found.argv.index("--served-model-name")
    assert found.argv[names + 1 : names + 3] == ("smol", "default")
    assert "--enforce-eager" not in found.argv
    assert found.env == {
        "PATH": "/bin",
        "LD_PRELOAD": "/lib/tcmalloc.so:/lib/iomp5.so",
        "VLLM_USE_AOT_COMPILE": "0",
        "TORCHINDUCTOR_CACHE_DIR": "/cache/vllm/inductor",
        "OMP_NUM_THREADS": "4",
        "VLLM_CPU_OMP_THREADS_BIND": "0-3",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_API_KEY": "secret-key",
        "VLLM_HOST_IP": "127.0.0.1",
        "GLOO_SOCKET_IFNAME": "lo",
        "VLLM_CACHE_ROOT": "/cache/vllm",
        "TMPDIR": "/cache/vllm/tmp",
        "VLLM_RPC_BASE_PATH": "/run",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }


def test_the_key_is_not_among_the_arguments_that_every_user_can_read() -> None:
    assert not any("secret-key" in part for part in command(EngineSettings(), PLACE).argv)


def test_nothing_opens_a_port_or_lets_foreign_code_in() -> None:
    argv = command(EngineSettings(device="cuda"), PLACE).argv
    assert {"--host", "--port", "--trust-remote-code", "--api-key", "--allowed-local-media-path"}.isdisjoint(argv)


def test_the_processes_of_an_engine_meet_on_loopback_and_not_on_the_network() -> None:
    for device in ("cpu", "cuda"):
        env = command(EngineSettings(device=device), PLACE).env
        assert (env["VLLM_HOST_IP"], env["GLOO_SOCKET_IFNAME"]) == ("127.0.0.1", "lo")


def test_the_command_line_for_a_gpu() -> None:
    found = command(EngineSettings(device="cuda", memory_share=0.8, parallel=2, cache_gib=7), PLACE)
    assert option(found.argv, "--gpu-memory-utilization") == "0.8"
    assert option(found.argv, "--tensor-parallel-size") == "2"
    assert {"LD_PRELOAD", "OMP_NUM_THREADS", "VLLM_CPU_KVCACHE_SPACE"}.isdisjoint(found.env)


def test_where_nobody_chose_numbers_a_processor_takes_those_that_it_computes_in() -> None:
    assert option(command(settled(EngineSettings(), bfloat16=False), PLACE).argv, "--dtype") == "float32"
    assert option(command(settled(EngineSettings(), bfloat16=True), PLACE).argv, "--dtype") == "auto"
    for chosen in (EngineSettings(dtype="bfloat16"), EngineSettings(device="cuda")):
        assert settled(chosen, bfloat16=False) == chosen


def test_threads_take_the_first_cores() -> None:
    env = command(EngineSettings(threads=2), replace(PLACE, cores=(0, 2, 3))).env
    assert (env["OMP_NUM_THREADS"], env["VLLM_CPU_OMP_THREADS_BIND"]) == ("2", "0,2")


def test_without_a_compiler_or_libraries_it_runs_all_the_same() -> None:
    found = command(EngineSettings(), replace(PLACE, compiler=False, preload=(), inherited=None))
    assert "--enforce-eager" in found.argv
    assert "LD_PRELOAD" not in found.env
    assert "--enforce-eager" in command(EngineSettings(eager=True), PLACE).argv


@pytest.mark.parametrize(
    ("cores", "expected"),
    [((), ""), ((0,), "0"), ((0, 1), "0-1"), ((3, 1, 0), "0-1,3"), ((0, 2, 4), "0,2,4"), ((4, 5, 6, 8), "4-6,8")],
)
def test_cores_are_written_as_the_kernel_writes_them(cores: tuple[int, ...], expected: str) -> None:
    assert ranges(cores) == expected


def test_settings_survive_the_database() -> None:
    settings = EngineSettings(context=8192, device="cuda")
    assert parse(settings.to_json()) == settings
    assert parse({}) == EngineSettings()


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"--model": "/etc"}, "unknown engine settings: --model"),
        ({"context": 10}, "context must lie between 256"),
        ({"context": "4096"}, "context must lie between"),
        ({"context": True}, "context must lie between"),
        ({"queue": -1}, "queue must lie between"),
        ({"memory_share": float("nan")}, "memory_share must lie between"),
        ({"device": "tpu"}, "device 'tpu'"),
        ({"dtype": "--evil"}, "dtype '--evil'"),
    ],
)
def test_settings_out_of_bounds_are_refused_by_name(told: dict[str, object], named: str) -> None:
    with pytest.raises(BadEngineSettings, match=named):
        parse(told)


def test_room_for_adapters_is_made_where_it_is_wanted() -> None:
    found = command(EngineSettings(adapters=3, adapter_rank=12), PLACE)
    assert "--enable-lora" in found.argv
    assert option(found.argv, "--max-loras") == "3"
    assert option(found.argv, "--max-cpu-loras") == "6"
    assert option(found.argv, "--max-lora-rank") == "16"
    assert option(found.argv, "--worker-extension-cls") == "appliance.drivers.vllm.unadapted.Extension"
    assert "--worker-extension-cls" not in command(EngineSettings(), PLACE).argv
    assert "--worker-extension-cls" not in command(EngineSettings(adapters=3, device="cuda"), PLACE).argv
    assert found.env["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "1"
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" not in command(EngineSettings(), PLACE).env


def test_calls_of_tools_are_read_where_the_catalogue_knows_how_the_model_writes_them() -> None:
    plain, calling = (command(EngineSettings(), replace(PLACE, tools=tools)).argv for tools in (None, "hermes"))
    assert {"--enable-auto-tool-choice", "--tool-call-parser"}.isdisjoint(plain)
    assert "--enable-auto-tool-choice" in calling
    assert option(calling, "--tool-call-parser") == "hermes"
    assert len(calling) == len(plain) + 3


def test_the_engine_tells_how_much_of_a_prompt_it_had_computed_before() -> None:
    for device in ("cpu", "cuda"):
        assert "--enable-prompt-tokens-details" in command(EngineSettings(device=device), PLACE).argv


def test_an_engine_sees_the_cards_that_it_was_given_and_no_others() -> None:
    placed = replace(PLACE, devices=(1, 3), inherited={"CUDA_VISIBLE_DEVICES": "0,1,2,3"})
    assert command(EngineSettings(device="cuda"), placed).env["CUDA_VISIBLE_DEVICES"] == "1,3"
    assert command(EngineSettings(), replace(PLACE, devices=(0,))).env.get("CUDA_VISIBLE_DEVICES") is None
