"""What every detector must do, as tests.

A plug-in's own test module subclasses the suite and says how to make its detector::

    from cctview.testing.detectors import DetectorContract

    class TestMine(DetectorContract):
        def make(self):
            return MyDetector()

The stills are drawn by the simulator; override ``stills`` for a detector that finds nothing on them.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from cctview.seams import Detector
from cctview.sim import SimSettings, simulate
from cctview.types import Detections, Frame

__all__ = ["DetectorContract"]

_STILLS = 6
_ROUNDING_PX = 1e-3  # of float32, at the border
_TREMBLE_PX = 0.05  # what a box may move when other stills share a call: the order of float32 sums
_TREMBLE_SCORE = 1e-3


class DetectorContract:
    """Subclass, and override ``make``; pytest finds the tests."""

    def make(self) -> Detector:
        """Return the detector under test."""
        raise NotImplementedError

    def stills(self) -> tuple[Frame, ...]:
        """Return stills of more than one camera, on which the detector finds something."""
        return _drawn()

    def test_what_is_found_says_where_when_and_by_whom(self) -> None:
        """Each detection stands with the camera and time of its still, under an id of its own."""
        detector, stills = self.make(), self.stills()
        found = detector(stills)
        owner = {still.id: still for still in stills}
        assert len(found), "the suite needs stills on which something is found"
        assert detector.producer
        assert detector.producer in found.meta.values()
        assert len(np.unique(found.id)) == len(found)
        for frame, camera, time in zip(found.frame.tolist(), found.camera.tolist(), found.time, strict=True):
            assert (camera, time) == (owner[frame].camera, owner[frame].time)

    def test_boxes_lie_within_their_still(self) -> None:
        """Half-open pixels, origin at the top left."""
        stills = self.stills()
        size = {still.id: still.image.shape[1::-1] for still in stills}
        found = self.make()(stills)
        limit = np.array([size[frame] for frame in found.frame.tolist()], np.float32)
        assert np.all(found.box[:, :2] >= -_ROUNDING_PX)
        assert np.all(found.box[:, 2:] <= limit + _ROUNDING_PX)

    def test_rows_come_by_still_and_rank(self) -> None:
        """In the order of the stills, each counted from 1."""
        stills = self.stills()
        found = self.make()(stills)
        place = {still.id: number for number, still in enumerate(stills)}
        number = np.array([place[frame] for frame in found.frame.tolist()])
        assert np.all(np.diff(number) >= 0)
        for still in np.unique(number):
            assert found.rank[number == still].tolist() == list(range(1, int((number == still).sum()) + 1))

    def test_other_stills_change_nothing(self) -> None:
        """A still alone, in company, and in another order gives the same boxes, types and scores."""
        detector, stills = self.make(), self.stills()
        together, turned = detector(stills), detector(stills[::-1])
        for still in stills:
            alone = detector([still])
            for other in (together, turned):
                _same(alone, other[other.frame == still.id])

    def test_a_still_is_left_as_it_is(self) -> None:
        """Pixels belong to whoever handed them over."""
        stills = self.stills()
        before = [still.image.copy() for still in stills]
        self.make()(stills)
        assert all(np.array_equal(still.image, image) for still, image in zip(stills, before, strict=True))

    def test_stills_of_any_size_share_a_call(self) -> None:
        """Also odd and small ones, and one without anything on it."""
        first = self.stills()[0]
        odd = Frame(image=first.image[:157, :211].copy(), camera="odd", time=first.time, name="odd", digest=1)
        blank = Frame(image=np.zeros((96, 128, 3), np.uint8), camera="dark", time=first.time, name="dark", digest=2)
        found = self.make()([blank, first, odd])
        assert set(found.frame.tolist()) <= {first.id, odd.id, blank.id}
        assert first.id in found.frame

    def test_no_still_is_no_detection(self) -> None:
        """An empty table, with the producer's name."""
        detector = self.make()
        found = detector([])
        assert len(found) == 0
        assert detector.producer in found.meta.values()


def _same(one: Detections, other: Detections) -> None:
    assert one.type.tolist() == other.type.tolist()
    assert one.id.tolist() == other.id.tolist()
    assert np.allclose(one.box, other.box, atol=_TREMBLE_PX)
    assert np.allclose(one.score, other.score, atol=_TREMBLE_SCORE)


@cache
def _drawn() -> tuple[Frame, ...]:
    """Return stills of two simulated cameras, a few seconds into their traffic."""
    settings = SimSettings(minutes=0.4, cameras=2, seed=7)
    drawn = [
        Frame(image=still.image, camera=still.camera, time=still.time, name=still.name, digest=number)
        for number, still in enumerate(simulate(settings).frames())
    ]
    return tuple(drawn[-_STILLS:])
