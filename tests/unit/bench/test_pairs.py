"""What the bench of the gateway makes of pairs of runs, and what it prints of them."""

import random
import statistics

from bench.gateway import pairs, real
from bench.gateway.real import Run


def noisy(count: int, ratio: float, spread: float, seed: int = 1) -> list[tuple[float, float]]:
    """Pairs on a machine whose speed halves now and then; within a pair it differs by a spread."""
    dice = random.Random(seed)
    speeds = [dice.choice((150, 300)) for _ in range(count)]
    return [(speed * ratio * dice.gauss(1, spread), speed * dice.gauss(1, spread)) for speed in speeds]


def test_the_median_is_of_the_pairs_ratios_and_not_of_the_runs() -> None:
    assert pairs.ratio([(100, 100), (10, 20), (30, 30)]).median == 1


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    found = [pairs.ratio(noisy(21, 0.96, 0.1, seed)) for seed in range(60)]
    assert sum(one.low <= 0.96 <= one.high for one in found) >= 51
    assert all(one.low <= one.median <= one.high for one in found)


def test_few_noisy_pairs_do_not_settle_a_small_difference_and_many_do() -> None:
    assert pairs.ratio(noisy(5, 1.0, 0.1)).settled(0.97)
    assert not pairs.ratio(noisy(400, 1.0, 0.1)).settled(0.97)
    assert not pairs.ratio(noisy(5, 1.0, 0.001)).settled(0.97)


def test_ours_is_first_in_half_of_the_pairs_by_chance_and_the_same_every_time() -> None:
    first = pairs.order(31)
    assert sum(first) == 16
    assert first not in ([True, False] * 15 + [True], sorted(first), sorted(first, reverse=True))
    assert pairs.order(31) == first


def test_every_pair_has_prompts_of_its_own() -> None:
    told = [prompt for prompts in real.prompts(real.WARM + real.PAIRS) for prompt in prompts]
    assert len(told) == len(set(told)) == (real.WARM + real.PAIRS) * real.REQUESTS


def test_the_report_judges_the_median_and_says_where_the_bound_lies_within_its_interval() -> None:
    runs = noisy(5, 1.0, 0.1)
    seen = {name: [Run(pair[side], 2048, 600, 47, 0.1) for pair in runs] for side, name in enumerate(("ours", "bare"))}
    told = {one.name: one for one in real.lines(seen)}
    judged = told["ratio, median of 5 pairs"]
    assert judged.ours == statistics.median(ours / other for ours, other in runs)
    assert judged.holds == (judged.ours >= real.BOUND)
    assert "not settled" in told["ratio, low end of its 95% interval"].unit
