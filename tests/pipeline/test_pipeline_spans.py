from __future__ import annotations

import numpy as np
import pytest

from cctview.pipeline.spans import spans_of

MORNING = np.datetime64("2020-05-05T08:00:00", "ns")
SECOND = np.timedelta64(1, "s")


def every_5_s(begin: np.datetime64, minutes: float) -> np.ndarray:
    return begin + np.arange(0, minutes * 60, 5).astype(int) * SECOND


@pytest.mark.parametrize(("minutes", "detections", "count"), [(59, 0, 1), (61, 0, 2), (600, 0, 10), (30, 900_000, 3)])
def test_stills_without_a_gap_are_cut_into_equal_spans_of_an_hour_or_less(
    minutes: float, detections: int, count: int
) -> None:
    times = every_5_s(MORNING, minutes)
    spans = spans_of(np.random.default_rng(0).permutation(times), detections)
    assert len(spans) == count
    first, last = times[0], times[-1]
    assert spans[0][0] == first
    assert spans[-1][1] == last + np.timedelta64(1, "ns")
    assert [before for _, before in spans[:-1]] == [after for after, _ in spans[1:]]
    assert {after - first for after, _ in spans} == {(last - first) // count * k for k in range(count)}


def test_an_hour_without_stills_parts_spans_and_a_shorter_pause_does_not() -> None:
    last = every_5_s(MORNING, 10)[-1]
    hour = np.timedelta64(1, "h")
    for pause, count in ((hour, 1), (hour + SECOND, 2)):
        times = np.concatenate([every_5_s(MORNING, 10), every_5_s(last + pause, 10)])
        assert len(spans_of(times, 0)) == (2 if count == 2 else 1 + int((times[-1] - times[0]) // hour))


def test_time_without_stills_costs_no_span() -> None:
    far = [np.datetime64("1970-01-01T00:00:07", "ns"), MORNING, MORNING + np.timedelta64(120, "D")]
    times = np.concatenate([far[:1], every_5_s(far[1], 90), every_5_s(far[2], 10)])
    spans = spans_of(times, 1000)
    assert len(spans) == 4
    assert spans[0] == (far[0], far[0] + np.timedelta64(1, "ns"))
    assert all(any(after <= time < before for after, before in spans) for time in times)
    assert all(before - after <= np.timedelta64(1, "h") for after, before in spans)


def test_detections_are_shared_out_over_stretches_by_their_stills() -> None:
    times = np.concatenate([every_5_s(MORNING, 30), every_5_s(MORNING + np.timedelta64(1, "D"), 10)])
    assert len(spans_of(times, 1_500_000)) == 3 + 1
    assert spans_of(times[:0], 0) == []
