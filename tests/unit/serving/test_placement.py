"""Where an engine goes and why, and how one version takes over from another."""

import pytest

from appliance.drivers.devices import Device
from appliance.drivers.vllm.arguments import EngineSettings
from appliance.serving.placement import GIB, OVERHEAD, Demand, Held, Step, place, swap

CPU = Device("cpu", 0, "processor", 64 * GIB, 32 * GIB)
SMALL = Device("cuda", 0, "L4", 24 * GIB, 24 * GIB)
FREE = Device("cuda", 1, "L40S", 48 * GIB, 48 * GIB)
BUSY = Device("cuda", 2, "L40S", 48 * GIB, 4 * GIB)
ALL = (CPU, SMALL, FREE, BUSY)
ON_CUDA = EngineSettings(device="cuda", memory_share=0.9)


def test_a_processor_holds_weights_cache_and_what_an_engine_takes_besides() -> None:
    demand = Demand.of(EngineSettings(cache_gib=2), 3 * GIB)
    assert demand == Demand("cpu", 1, 3 * GIB + 2 * GIB + OVERHEAD)
    assert place(demand, ALL).devices == ("cpu",)
    assert Demand.of(EngineSettings(cache_gib=2, dtype="float32"), 3 * GIB).memory == demand.memory + 3 * GIB


def test_the_least_used_card_with_the_most_room_is_chosen_and_each_other_told_why_not() -> None:
    found = place(Demand.of(ON_CUDA, 15 * GIB), ALL)
    assert (found.devices, found.indices) == (("cuda:1",), (1,))
    assert found.reasons == (
        "cpu: it is no cuda device",
        "cuda:2: 43.2 GiB needed, 4.0 GiB free",
        "cuda:0: could, but another is less used, 24.0 GiB free, 21.6 GiB needed",
        "cuda:1: chosen, 48.0 GiB free, 43.2 GiB needed",
    )
    assert found.to_json()["memory"] == int(0.9 * 48 * GIB)


def test_what_was_promised_to_others_is_not_free() -> None:
    found = place(Demand("cpu", 1, 10 * GIB), (CPU,), {"cpu": Held(promised=30 * GIB, engines=1)})
    assert found.devices == ()
    assert found.reasons == ("cpu: 10.0 GiB needed, 32.0 GiB free, 30.0 GiB of it promised",)


def test_engines_spread_over_cards() -> None:
    demand = Demand.of(EngineSettings(device="cuda", memory_share=0.4), 4 * GIB)
    assert place(demand, ALL, {"cuda:1": Held(engines=1)}).devices == ("cuda:0",)


def test_weights_that_do_not_fit_into_the_share_are_refused() -> None:
    found = place(Demand.of(EngineSettings(device="cuda", memory_share=0.5), 15 * GIB), (SMALL,))
    assert found.reasons == ("cuda:0: 15.0 GiB of weights do not fit into 12.0 GiB",)


def test_cards_that_work_together_are_all_needed() -> None:
    together = Demand.of(EngineSettings(device="cuda", parallel=2), 40 * GIB)
    assert place(together, ALL).devices == ("cuda:1", "cuda:0")
    assert "2 devices are needed together, 1 can" in place(together, (CPU, FREE, BUSY)).reasons


@pytest.mark.parametrize("devices", [(), (CPU,)])
def test_a_kind_that_there_is_not(devices: tuple[Device, ...]) -> None:
    assert "there is no cuda device" in place(Demand.of(ON_CUDA, GIB), devices).reasons


def test_where_both_fit_the_new_version_starts_beside_the_old() -> None:
    demand = Demand.of(ON_CUDA, 15 * GIB)
    found = swap(demand, demand, (CPU, FREE))
    assert found.steps == (Step.START, Step.WARM, Step.FLIP, Step.DRAIN)
    assert not found.gap


def test_on_one_card_the_old_version_sleeps_in_the_hosts_memory() -> None:
    demand = Demand.of(ON_CUDA, 15 * GIB)
    full = Device("cuda", 0, "L4", 24 * GIB, 2 * GIB)
    found = swap(demand, demand, (CPU, full))
    assert found.steps == (Step.SLEEP, Step.START, Step.WARM, Step.FLIP, Step.STOP, Step.WAKE)
    assert found.gap
    assert "the old one sleeps while the new one loads" in found.reasons


@pytest.mark.parametrize(
    ("new", "host"), [(15 * GIB, 4 * GIB), (40 * GIB, 32 * GIB)], ids=["no room to sleep", "too large even alone"]
)
def test_a_swap_for_which_there_is_no_way_says_why(new: int, host: int) -> None:
    devices = (Device("cpu", 0, "processor", 64 * GIB, host), Device("cuda", 0, "L4", 24 * GIB, 2 * GIB))
    found = swap(Demand.of(ON_CUDA, new), Demand.of(ON_CUDA, 15 * GIB), devices)
    assert found.steps == ()
    assert any("needed" in reason or "fit" in reason for reason in found.reasons)


def test_a_processor_puts_nothing_to_sleep() -> None:
    demand = Demand("cpu", 1, 20 * GIB)
    assert swap(demand, demand, (Device("cpu", 0, "processor", 64 * GIB, 8 * GIB),)).steps == ()
