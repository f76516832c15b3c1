from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cctview.errors import TableError
from cctview.privacy import Policy, admit, expired
from cctview.types import Detections, Embeddings, Frames

NOW = np.datetime64("2026-05-05T12:00:00", "ns")
DAY = np.timedelta64(1, "D")
POLICY = replace(Policy.default("test"), expiry_from="capture")


def frames(ages):
    count = len(ages)
    return Frames(
        id=np.arange(count),
        camera=np.full(count, "a"),
        time=NOW - np.array(ages) * np.timedelta64(86_400_000, "ms"),
        time_error_s=np.zeros(count),
        name=np.full(count, "a"),
        digest=np.arange(count),
        width=np.ones(count, np.int32),
        height=np.ones(count, np.int32),
    )


def detections(of, types):
    count = len(of)
    return Detections(
        id=np.arange(count) + 100,
        frame=np.array(of),
        camera=np.full(count, "a"),
        time=np.full(count, NOW),
        rank=np.ones(count, np.int32),
        box=np.tile([0.0, 0, 1, 1], (count, 1)),
        score=np.ones(count),
        type=np.array(types),
    )


def embeddings(of):
    return Embeddings(detection=np.array(of), vector=np.tile([1.0, 0], (len(of), 1)), quality=np.ones(len(of)))


def test_people_are_never_admitted_nor_what_was_made_of_them():
    got = admit(POLICY, frames([0]), detections([0, 0], ["car", "person"]), embeddings([101, 100]), NOW)
    assert got.detections.tolist() == [True, False]
    assert got.embeddings.tolist() == [False, True]


def test_what_would_expire_on_arrival_is_not_admitted():
    old = frames([1, 5, 10, 40])
    got = admit(POLICY, old, detections([0, 1, 2, 3], ["car"] * 4), embeddings([100, 101, 102, 103]), NOW)
    assert got.frames.tolist() == [True, True, True, False]
    assert got.pixels.tolist() == [True, False, False, False]
    assert got.detections.tolist() == [True, True, True, False]
    assert got.embeddings.tolist() == [True, True, False, False]


def test_an_archive_counts_from_its_import():
    got = admit(replace(POLICY, expiry_from="import"), frames([4000]), Detections.empty(), Embeddings.empty(), NOW)
    assert got.frames.all()
    assert got.pixels.all()


def test_stills_that_may_not_be_kept_are_known_all_the_same():
    got = admit(replace(POLICY, keep_frames=False), frames([0]), Detections.empty(), Embeddings.empty(), NOW)
    assert got.frames.all()
    assert not got.pixels.any()


@pytest.mark.parametrize(
    ("found", "vectors", "column"),
    [
        (detections([7], ["car"]), Embeddings.empty(), "detections.frame"),
        (Detections.empty(), embeddings([9]), "embeddings"),
    ],
)
def test_rows_without_their_owner_are_refused(found, vectors, column):
    with pytest.raises(TableError, match=column):
        admit(POLICY, frames([0]), found, vectors, NOW)


def test_expiry_is_exact_to_the_nanosecond():
    edge = NOW - 7 * DAY
    times = np.array([edge - np.timedelta64(1, "ns"), edge])
    assert expired(POLICY, "embeddings", times, NOW).tolist() == [True, False]
    unlimited = replace(POLICY, detections_days=None)
    assert not expired(unlimited, "detections", np.array(["1700-01-01"], "datetime64[ns]"), NOW).any()
