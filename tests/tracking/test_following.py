"""Any tracker over a whole recording; the tracker here counts what it is asked."""

from dataclasses import dataclass, field

import numpy as np
from scenes import tables

from cctview.tracking import SortTracker, follow, track
from cctview.tracking.held import held_of
from cctview.tracking.tracklets import tracklets_of
from cctview.types import Detections, Embeddings, Tracklets

BOX = [0, 0, 10, 10]


@dataclass
class Counting:
    """A tracker whose state is how many rows it saw: each is a tracklet, told one step late."""

    asked: list = field(default_factory=list)

    def fresh(self):
        return Detections.empty(), Embeddings.empty()

    def step(self, state, detections, embeddings):
        self.asked.append(detections.id.tolist())
        return (detections, embeddings), self.ending(state)

    def ending(self, state):
        detections, embeddings = state
        label = np.arange(len(detections))
        still = lambda box, chain, first, last: np.full(len(first), "still")  # noqa: E731
        return tracklets_of(held_of(detections, embeddings, label), still, 0.02, {"tracker": "counting"})


def blocks(detections, embeddings, size):
    return [
        (detections[n : n + size], embeddings[np.isin(embeddings.detection, detections.id[n : n + size])])
        for n in range(0, len(detections), size)
    ]


def members(parts):
    return [part.members.values.tolist() for part in parts]


def test_each_block_is_told_and_the_rest_at_the_end():
    tracker = Counting()
    parts = list(follow(blocks(*tables([BOX] * 5, range(5)), 2), tracker))
    assert tracker.asked == [[1, 2], [3, 4], [5]]
    assert members(parts) == [[], [1, 2], [3, 4], [5]]


def test_blocks_are_asked_for_one_by_one():
    given = []

    def endless():
        for block in blocks(*tables([BOX] * 6, range(6)), 1):
            given.append(block)
            yield block

    ended = follow(endless(), Counting())
    next(ended)
    assert len(given) == 1
    next(ended)
    assert len(given) == 2


def test_no_block_is_only_the_end():
    assert members(follow([], Counting())) == [[]]


def test_each_camera_is_followed_alone_from_nothing():
    detections, embeddings = tables([BOX] * 4, range(4))
    tracker = Counting()
    found = track(detections.replace(camera=np.array(["b", "a", "b", "a"])), embeddings, tracker)
    assert tracker.asked == [[2, 4], [1, 3]]
    assert found.camera.tolist() == ["a", "a", "b", "b"]


def test_rows_come_back_by_camera_and_first_time():
    detections, embeddings = tables([BOX] * 4, [3, 1, 0, 2])
    found = track(detections.replace(camera=np.array(["b", "b", "a", "b"])), embeddings, Counting())
    assert found.members.values.tolist() == [3, 2, 4, 1]
    assert found.meta["tracker"] == "counting"


def test_nothing_is_an_empty_table_that_still_says_who_tracked():
    found = track(Detections.empty(), Embeddings.empty(), SortTracker())
    assert isinstance(found, Tracklets)
    assert len(found) == 0
    assert found.meta["tracker"] == "sort"
