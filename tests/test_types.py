from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import FrameError
from cctview.types import Frame, content_id, frame_id, row_ids, rows_among, rows_of

NOON = np.datetime64("2020-05-05T12:00:00", "ns")


def frame(**given: object) -> Frame:
    plain = {"image": np.zeros((4, 6, 3), np.uint8), "camera": "a", "time": NOON, "name": "a--1", "digest": 1}
    return Frame(**(plain | given))


def test_a_frame_is_named_by_camera_time_and_content() -> None:
    ids = {
        frame(**change).id for change in ({}, {"camera": "b"}, {"digest": 2}, {"time": NOON + np.timedelta64(1, "s")})
    }
    assert len(ids) == 4
    assert frame().id == frame(name="other", image=np.ones((9, 9, 3), np.uint8)).id


@pytest.mark.parametrize(
    "change",
    [
        {"image": np.zeros((4, 6), np.uint8)},
        {"image": np.zeros((4, 6, 3), np.float32)},
        {"image": np.zeros((0, 6, 3), np.uint8)},
        {"camera": ""},
        {"time": np.datetime64("NaT")},
    ],
)
def test_a_frame_without_pixels_camera_or_time_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(FrameError):
        frame(**change)


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_content_ids_tell_apart_what_differs(left: list[str], right: list[str]) -> None:
    assert 0 <= content_id(*left) < 2**63
    assert (content_id(*left) == content_id(*right)) == (left == right)


def test_content_ids_are_the_same_on_every_machine() -> None:
    assert content_id("frame", "733-681-N") == 4123193372249493514


def test_row_ids_differ_by_owner_rank_and_producer() -> None:
    owner, rank = (grid.ravel() for grid in np.meshgrid(np.arange(300), np.arange(300)))
    ids = np.concatenate([row_ids(owner, rank, "x"), row_ids(owner, rank, "y")])
    assert len(np.unique(ids)) == len(ids)
    assert ids.min() >= 0


def test_rows_are_found_in_any_order() -> None:
    ids = np.array([30, 10, 20])
    assert rows_of(ids, np.array([10, 10, 30, 20])).tolist() == [1, 1, 0, 2]
    assert rows_of(ids, np.zeros(0, np.int64)).tolist() == []


def test_ids_that_are_not_there_have_no_row() -> None:
    ids, wanted = np.array([30, 10, 20]), np.array([10, 40, 30, 5, 20, 10])
    assert rows_among(ids, wanted).tolist() == [1, -1, 0, -1, 2, 1]
    assert rows_among(ids[:0], wanted).tolist() == [-1] * 6
    assert rows_among(ids, wanted[:0]).tolist() == []


def test_a_frame_id_needs_no_pixels() -> None:
    assert frame_id("a", NOON, 1) == frame().id
