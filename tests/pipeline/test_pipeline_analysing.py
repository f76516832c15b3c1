from __future__ import annotations

from itertools import count

import numpy as np
import pytest
import roadside

from cctview.pipeline import RunReport, RunSettings, analyse
from cctview.pipeline.analysing import Seen, batches, clocked, joined
from cctview.sources import Known, Skipped
from cctview.types import PERSON, Frame

NOON = np.datetime64("2020-05-05T12:00:00", "ns")


def still(number: int, image: np.ndarray = roadside.GREY) -> Frame:
    return Frame(image=image, camera="a", time=NOON, name=f"{number}", digest=number)


def never() -> bool:
    return False


def split(items: list[object], due=never, **settings: int) -> tuple[list[int], RunReport]:
    told = list(batches(((item, 0.25) for item in items), Seen(np.zeros(0, np.int64)), RunSettings(**settings), due))
    sizes = [len(part) for part in told if not isinstance(part, RunReport)]
    return sizes, sum((part for part in told if isinstance(part, RunReport)), RunReport())


def test_batches_are_bounded_by_their_number_and_by_their_pixels() -> None:
    assert split([still(n) for n in range(10)], batch=4)[0] == [4, 4, 2]
    large = np.zeros((216, 384, 3), np.uint8)
    assert split([still(n, large) for n in range(10)], batch_bytes=3 * large.nbytes)[0] == [3, 3, 3, 1]
    assert split([still(n, large) for n in range(3)], batch_bytes=1)[0] == [1, 1, 1]
    assert split([])[0] == []


def test_what_is_no_new_still_is_counted_with_its_reason() -> None:
    gap = Skipped("x", "empty")
    sizes, report = split([still(1), gap, Known(7), still(2), Known(8)], batch=2)
    assert sizes == [2]
    assert (report.known, report.skipped) == (2, (gap,))
    assert report.stage_seconds == {"decode": 5 * 0.25}


def test_known_stills_alone_make_no_batch() -> None:
    sizes, report = split([Known(n) for n in range(1000)])
    assert sizes == []
    assert report.known == 1000


def test_a_period_ends_when_it_is_due_and_leaves_the_rest_for_the_next() -> None:
    calls, rest = count(1), iter([(still(n), 0.0) for n in range(6)])
    found = list(batches(rest, Seen(np.zeros(0, np.int64)), RunSettings(), lambda: next(calls) >= 4))
    assert [len(part) for part in found if isinstance(part, list)] == [4]
    assert len(list(rest)) == 2


def test_what_came_before_in_this_run_or_is_stored_is_known() -> None:
    seen = Seen(np.array([30, 10, 20]))
    assert [seen(number) for number in (10, 20, 30, 5, 25, 40)] == [True, True, True, False, False, False]
    seen.add(25)
    assert seen(25)
    seen.packed()
    assert [seen(number) for number in (10, 25, 30, 26)] == [True, True, True, False]
    list(batches([(still(3), 0.0)], seen, RunSettings(), never))
    assert seen(still(3).id)


def test_items_come_with_the_seconds_they_took(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 0.5, 2.0, 2.25, 9.0, 9.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    assert list(clocked(iter([Known(1), Known(2)]))) == [(Known(1), 0.5), (Known(2), 0.25)]


def test_people_are_kept_apart_and_handed_to_the_store_as_boxes(seeing: roadside.Road) -> None:
    frames = seeing.frames[40:50]
    truth = seeing(frames)
    kinds = truth.type.astype("U10")
    kinds[:3] = PERSON
    marked = truth.replace(type=kinds)
    found = analyse(frames, lambda _: marked, embedder=None)  # type: ignore[arg-type]
    assert len(found.detections) == len(truth) - 3
    assert PERSON not in found.detections.type
    assert np.array_equal(found.embeddings.detection, found.detections.id)
    batch = joined([found, found])
    assert len(batch.frames) == len(batch.people) == 20
    assert batch.people.lengths.sum() == 6
    assert np.array_equal(np.unique(batch.people.values, axis=0), np.unique(truth.box[:3], axis=0))
