"""The row of a tracklet, from the rows of its detections."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import tables

from cctview.tracking.held import Held, held_of
from cctview.tracking.tracklets import tracklets_of
from cctview.types import row_ids

BOXES = [[n, 0, n + 10, 10] for n in range(5)]
LABEL = [9, 4, 9, 4, 9]  # two chains that take turns


def held(label=LABEL, quality=0.5, **more):
    """Five boxes, a second apart, with their labels."""
    detections, embeddings = tables(BOXES[: len(label)], range(len(label)), **more)
    quality = np.broadcast_to(np.float32(quality), len(label)).copy()
    return held_of(detections, embeddings.replace(quality=quality), np.array(label))


def ways(box, chain, first, last):
    """A heading that tells how far apart the first and the last row are."""
    assert len(box) == len(chain)
    assert (chain[first] == np.arange(len(first))).all()
    return np.array(["still", "across", "towards", "away", "still"])[last - first]


def made(*args, least=0.02, **more):
    return tracklets_of(held(*args, **more), ways, least, {"who": "test"})


def test_one_row_per_label_in_order_of_first_appearance():
    found = made()
    assert found.meta["who"] == "test"
    assert [group.tolist() for group in np.split(found.members.values, found.members.offsets[1:-1])] == [
        [1, 3, 5],
        [2, 4],
    ]
    assert found.heading.tolist() == ["still", "towards"]
    assert found.camera.tolist() == ["c1", "c1"]


def test_first_and_last_are_those_in_time():
    found, rows = made(), held().detections
    assert np.array_equal(found.first_time, rows.time[[0, 1]])
    assert np.array_equal(found.last_time, rows.time[[4, 3]])
    assert found.first_box.tolist() == [BOXES[0], BOXES[1]]
    assert found.last_box.tolist() == [BOXES[4], BOXES[3]]


def test_an_id_tells_first_and_all_members():
    ids = np.array([1, 2])
    assert np.array_equal(made().id, row_ids(ids, np.array([1 + 3 + 5, 2 + 4]), "tracklet"))
    shorter = made([9, 4, 9, 4])
    assert shorter.id[0] != made().id[0]
    assert shorter.id[1] == made().id[1]


def test_vectors_are_averaged_by_quality():
    vectors = [[1.0, 0.0], [0.0, 1.0]]
    found = made([3, 3], quality=[0.9, 0.1], vectors=vectors, least=0.0)
    assert found.vector[0].tolist() == pytest.approx(np.array([0.9, 0.1]) / np.hypot(0.9, 0.1))
    even = made([3, 3], quality=[0.9, 0.1], vectors=vectors, least=1e6)
    assert even.vector[0].tolist() == pytest.approx([0.5**0.5] * 2, abs=1e-5)
    assert np.allclose(made([3, 3], quality=[0.0, 0.0], vectors=vectors).vector[0], 0.5**0.5)


def test_spread_is_the_mean_distance_from_the_mean_look():
    found = made([3, 3, 5], vectors=[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert found.spread.tolist() == pytest.approx([1 - 0.5**0.5, 0.0], abs=1e-6)


def test_looks_that_cancel_leave_the_first():
    found = made([3, 3], vectors=[[1.0, 0.0], [-1.0, 0.0]])
    assert found.vector[0].tolist() == [1.0, 0.0]
    assert found.spread[0] == pytest.approx(1.0)


def test_quality_is_the_best_one():
    assert made(quality=[0.1, 0.8, 0.7, 0.2, 0.3]).quality.tolist() == pytest.approx([0.7, 0.8])


def test_the_type_is_that_of_the_largest_sum_of_scores():
    kinds, scores = ["car", "bus", "car", "bus", "truck"], [0.3, 0.9, 0.3, 0.2, 0.5]
    assert made(kinds=kinds, scores=scores).type.tolist() == ["car", "bus"]
    assert made(kinds=kinds, scores=[0.2, 0.9, 0.2, 0.2, 0.5]).type.tolist() == ["truck", "bus"]


def test_nothing_held_is_an_empty_table_with_its_meta():
    found = tracklets_of(Held.none(), ways, 0.02, {"who": "test"})
    assert len(found) == 0
    assert found.meta["who"] == "test"


def test_labels_need_not_be_small_nor_in_order():
    far = replace(held(), label=np.array([9, 4, 9, 4, 9]) * 10**15)
    assert np.array_equal(tracklets_of(far, ways, 0.02, {}).id, made().id)
