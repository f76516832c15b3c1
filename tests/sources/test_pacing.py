from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.sources.pacing import Pace, paced
from cctview.sources.source import Noticed, Skipped


@dataclass(frozen=True)
class Shown:
    time: float | None
    number: int = 0


def seconds(times: list[float | None], pace: Pace) -> tuple[list[float], dict[str, int]]:
    items = list(paced([Shown(time) for time in times], pace))
    told = {item.what.split(",")[0]: item.count for item in items if isinstance(item, Noticed)}
    return [item[0] for item in items if isinstance(item, tuple)], told


@pytest.mark.parametrize("zero", [0.0, -3.0, 32_400.0, 95_443.0])
def test_seconds_count_from_the_first_frame(zero: float) -> None:
    got, told = seconds([zero, zero + 0.1, zero + 0.5, zero + 600], Pace(rate=10))
    assert got == pytest.approx([0, 0.1, 0.5, 600])
    assert told == {}


@pytest.mark.parametrize(
    "times",
    [
        [32_400.0, 32_400.1, 2.0, 2.1],
        [95_443.0, 95_443.1, 0.0, 0.1],
        [0.0, 0.1, 95_443.7, 95_443.8],
        [5.0, 5.1, 5.1, 5.2],
    ],
    ids=["anew", "wraps", "unwrapped by the reader", "stands still"],
)
def test_a_broken_clock_goes_on_one_frame_after_the_last(times: list[float]) -> None:
    got, told = seconds(times, Pace(rate=10))
    assert got == pytest.approx([0, 0.1, 0.2, 0.3])
    assert told == {"a video time that begins anew": 1}


def test_a_pause_of_hours_is_a_pause() -> None:
    assert seconds([0.0, 3600.0], Pace(rate=10)) == ([0.0, 3600.0], {})


@pytest.mark.parametrize(("rate", "step"), [(50.0, 0.02), (0.0, 0.04)])
def test_frames_without_times_follow_at_the_rate_and_that_is_said(rate: float, step: float) -> None:
    got, told = seconds([None] * 4, Pace(rate=rate))
    assert got == pytest.approx([0, step, 2 * step, 3 * step])
    assert told == {"a video frame without a time": 4}


def test_a_given_rate_takes_the_place_of_times_and_nothing_is_guessed() -> None:
    for times in ([0.0, 7.0, 3.0], [None, None, None]):
        got, told = seconds(times, Pace(rate=4, forced=True))
        assert got == pytest.approx([0, 0.25, 0.5])
        assert told == {}


@given(st.lists(st.floats(0.01, 5), min_size=1, max_size=60), st.integers(1, 8), st.randoms())
def test_times_that_storing_shuffled_come_back_to_their_frames(gaps: list[float], held: int, random: object) -> None:
    true = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    shuffled = list(true)
    for begin in range(0, len(true), held):
        part = shuffled[begin : begin + held]
        random.shuffle(part)
        shuffled[begin : begin + held] = part
    items = paced([Shown(time, n) for n, time in enumerate(shuffled)], Pace(rate=10, shuffled=True))
    found = [item for item in items if isinstance(item, tuple)]
    assert [shown.number for _, shown in found] == list(range(len(true)))
    assert [second for second, _ in found] == pytest.approx([time - true[0] for time in true])


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=60), st.booleans(), st.floats(0, 60))
def test_whatever_the_times_every_frame_comes_once_and_later_than_the_one_before(
    times: list[float | None],
    shuffled: bool,  # noqa: FBT001
    rate: float,
) -> None:
    got, _ = seconds(times, Pace(rate=rate if rate > 1 else 0, shuffled=shuffled))
    assert len(got) == len(times)
    assert all(one < two for one, two in pairwise(got))


def test_damaged_frames_keep_their_place() -> None:
    lost = Skipped("a", "damaged")
    items = list(paced([Shown(0.0), lost, Shown(1.0)], Pace(rate=1)))
    assert [item if isinstance(item, Skipped) else item[0] for item in items] == [0.0, lost, 1.0]
