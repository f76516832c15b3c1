"""Detections that wait for their tracklets to end."""

import numpy as np
import pytest
from scenes import tables

from cctview.errors import TableError
from cctview.tracking.held import NO_TRACKLET, Held, held_of

BOX = [0, 0, 10, 10]


def held(label, frames=None, order=None):
    """Rows with these labels, a still each; detections handed over in ``order``, embeddings in their own."""
    detections, embeddings = tables([BOX] * len(label), range(len(label)) if frames is None else frames)
    order = np.arange(len(label)) if order is None else np.array(order)
    return held_of(detections[order], embeddings, np.array(label)[order])


def test_only_what_has_a_tracklet_is_held():
    found = held([7, NO_TRACKLET, 9, NO_TRACKLET])
    assert found.detections.id.tolist() == [1, 3]
    assert found.embeddings.detection.tolist() == [1, 3]
    assert found.label.tolist() == [7, 9]
    assert len(found) == 2


def test_rows_are_by_time_then_by_id_whatever_the_order():
    found = held([7, 8, 9, 10], frames=[2, 1, 1, 0], order=[2, 0, 3, 1])
    assert found.detections.id.tolist() == [4, 2, 3, 1]
    assert found.embeddings.detection.tolist() == [4, 2, 3, 1]
    assert found.label.tolist() == [10, 8, 9, 7]


def test_nothing_held_asks_for_no_embedding():
    detections, embeddings = tables([BOX], [0])
    assert len(held_of(detections, embeddings[:0], np.array([NO_TRACKLET]))) == 0


def test_chosen_rows_keep_together():
    found = held([7, 8, 9]).rows(np.array([True, False, True]))
    assert (found.detections.id.tolist(), found.embeddings.detection.tolist()) == ([1, 3], [1, 3])
    assert found.label.tolist() == [7, 9]


def test_later_ones_come_after():
    first, then = held([7, 8]), held([5])
    both = first.followed_by(then)
    assert both.label.tolist() == [7, 8, 5]
    assert both.detections.id.tolist() == [1, 2, 1]
    assert both.embeddings.detection.tolist() == [1, 2, 1]
    assert len(Held.none().followed_by(first)) == 2
    assert first.followed_by(Held.none()).label.tolist() == [7, 8]


def test_what_other_models_made_is_not_joined():
    first, other = held([7]), held([7])
    first.detections.meta, other.detections.meta = {"detector": "one"}, {"detector": "another"}
    with pytest.raises(TableError, match="different producers"):
        first.followed_by(other)
