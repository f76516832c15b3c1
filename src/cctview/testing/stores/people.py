"""People are black before anything is kept, and are never rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cctview.errors import InputError
from cctview.store import Batch
from cctview.testing.samples import detections, embeddings, frame, no_people
from cctview.testing.stores.making import POLICY, StoreMaking, raising
from cctview.types import PERSON, Detections, Embeddings, Frame, Ragged, row_ids

__all__ = ["People"]

Boxes = NDArray[np.float32]
_SIZE = (40, 56)
# JPEG of quality 90 rings beside an edge: over 3000 drawn sets of boxes in grey noise no pixel under a box came back
# above 18. In colour, neighbours lend a black pixel their hue (two pixels share one), but nothing of what it covered.
_BLACK = 24
_BRIGHT = 150

_corner = st.floats(-20, 70, width=32)
_extent = st.one_of(st.floats(0.25, 3, width=32), st.floats(3, 60, width=32))
_box = st.tuples(_corner, _corner, _extent, _extent).map(lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3]))
_people = st.lists(st.tuples(_box, st.booleans()), min_size=1, max_size=4)


class People(StoreMaking):
    """Redaction and what is left out."""

    def test_every_pixel_under_every_box_is_black(self) -> None:
        """For every set of boxes that is not empty: at borders, beyond them, of fractions of a pixel, overlapping."""
        store, seconds = self.make(POLICY), count()

        @settings(max_examples=40, deadline=None, derandomize=True, database=None)
        @given(people=_people)
        def check(people: list[tuple[tuple[float, float, float, float], bool]]) -> None:
            number = next(seconds)
            still = frame(number, image=_grey(number))
            boxes = np.array([box for box, _ in people], np.float32)
            handed = np.array([by_hand for _, by_hand in people])
            admitted = store.append(_with_people([still], boxes[handed], boxes[~handed]))
            assert admitted.people_redacted == len(people)
            assert admitted.people_dropped == (~handed).sum()
            seen = _decoded(store.pixels(np.array([still.id]))[0])
            covered = _covered(boxes)
            assert (seen[covered] <= _BLACK).all()
            assert seen[~_covered(boxes, margin=12 + 0.2 * (boxes[:, 2:] - boxes[:, :2]).max())].min(initial=255) > 100

        check()
        assert len(store.scan(Detections)) == 0

    def test_one_person_is_black_however_the_box_came(self) -> None:
        """Handed over with the still, or found as a detection."""
        store, box = self.make(POLICY), np.array([[10, 12, 20, 30]], np.float32)
        none = np.zeros((0, 4), np.float32)
        for number, (handed, found) in enumerate(((box, none), (none, box))):
            still = frame(number, image=_grey(number))
            admitted = store.append(_with_people([still], handed, found))
            assert (admitted.people_redacted, admitted.people_dropped) == (1, len(found))
            seen = _decoded(store.pixels(np.array([still.id]))[0])
            assert (seen[_covered(box)] <= _BLACK).all()
            assert seen[:, 36:].min() > 100

    def test_what_was_under_a_box_leaves_no_trace(self) -> None:
        """Two stills that differ under the box only are kept as the same bytes, in colour too."""
        store, box = self.make(POLICY), np.array([[3.5, 7.25, 4, 21]], np.float32)
        one = np.random.default_rng(1).integers(0, 256, (*_SIZE, 3), dtype=np.uint8)
        other = one.copy()
        other[_covered(box)] = 255 - other[_covered(box)]
        stills = [frame(number, image=image) for number, image in enumerate((one, other))]
        for still in stills:
            store.append(_with_people([still], box, box[:0]))
        first, second = store.pixels(np.array([still.id for still in stills]))
        assert first == second
        assert stills[0].encoded not in (first, second)

    def test_each_still_has_its_own_people(self) -> None:
        """A still without people keeps its bytes beside one with them."""
        store, box = self.make(POLICY), np.array([[10, 12, 20, 30]], np.float32)
        stills = [frame(number, image=_grey(number)) for number in range(3)]
        people = Ragged.from_lengths(np.concatenate([box, box]), [0, 2, 0])
        admitted = store.append(replace(_with_people(stills, box[:0], box[:0]), people=people))
        assert admitted.people_redacted == 2
        kept = store.pixels(np.array([still.id for still in stills]))
        assert [data == still.encoded for data, still in zip(kept, stills, strict=True)] == [True, False, True]

    def test_only_what_is_kept_is_counted(self) -> None:
        """Without pixels nobody is blacked out, a still known before is not counted again, and people are no rows."""
        box = np.array([[10, 12, 20, 30]], np.float32)
        blind, store = self.make(replace(POLICY, keep_frames=False)), self.make(POLICY)
        given_rows = _with_people([frame(0, image=_grey(0))], box, box)
        assert blind.append(given_rows).people_redacted == 0
        assert store.append(given_rows).people_redacted == 2
        again = store.append(given_rows)
        assert (again.people_redacted, again.people_dropped, again.frames_known) == (0, 0, 1)
        assert PERSON not in store.scan(Detections).type
        assert PERSON not in blind.scan(Detections).type

    def test_a_detected_person_has_no_row_and_no_vector(self) -> None:
        """Vehicles of the same still have both."""
        store, frames = self.make(POLICY), [frame(0)]
        found = detections(frames, types=("car", PERSON))
        admitted = store.append(
            Batch(frames=frames, detections=found, embeddings=embeddings(found), people=no_people(frames))
        )
        assert (admitted.detections, admitted.embeddings, admitted.people_dropped) == (3, 3, 2)
        assert set(store.scan(Detections).type.tolist()) == {"car"}
        assert np.isin(store.scan(Embeddings).detection, found.id[found.type == "car"]).all()

    def test_consent_keeps_them(self) -> None:
        """The one policy under which a still with people is kept as it is."""
        store = self.make(replace(POLICY, redact_people=False, consent="the team, today"))
        still = frame(0)
        box = np.array([[0, 0, 9, 9]], np.float32)
        assert store.append(_with_people([still], box, box[:0])).people_redacted == 0
        assert store.pixels(np.array([still.id])) == [still.encoded]

    def test_frames_that_never_were_jpeg_are_encoded(self) -> None:
        """Redacted or not."""
        store, colour = self.make(POLICY), np.full((16, 16, 3), (200, 30, 60), np.uint8)
        stills = [frame(0, encoded=False, image=colour)]
        store.append(_with_people(stills, np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32)))
        data = store.pixels(np.array([stills[0].id]))[0]
        seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert seen is not None
        assert np.abs(seen[..., ::-1].astype(int) - colour).max() < 8

    def test_boxes_must_align_with_frames(self) -> None:
        """A box that belongs to no still cannot be drawn."""
        parts = {"frames": [frame(0)], "detections": Detections.empty(), "embeddings": Embeddings.empty()}
        with raising(InputError, "people has 0 rows for 1 frames"):
            Batch(people=Ragged.from_lengths(np.zeros((0, 4), np.float32), []), **parts)  # type: ignore[arg-type]
        with raising(InputError, r"\(M, 4\)"):
            Batch(people=Ragged.from_lengths(np.zeros(0, np.float32), [0]), **parts)  # type: ignore[arg-type]


def _grey(number: int) -> NDArray[np.uint8]:
    """Return bright grey noise (40, 56, 3), so that what is not black is seen."""
    noise = np.random.default_rng(number).integers(_BRIGHT, 256, (*_SIZE, 1), dtype=np.uint8)
    return np.repeat(noise, 3, axis=2)


def _decoded(data: bytes) -> NDArray[np.uint8]:
    """Return the brightest channel of a JPEG, (H, W)."""
    seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert seen is not None
    brightest: NDArray[np.uint8] = np.asarray(seen, np.uint8).max(axis=2)
    return brightest


def _covered(boxes: Boxes, margin: float = 0.0) -> NDArray[np.bool_]:
    """Return which pixels any box touches, grown by a margin on every side, (H, W)."""
    y, x = np.mgrid[: _SIZE[0], : _SIZE[1]]
    touched = np.zeros(_SIZE, np.bool_)
    for x1, y1, x2, y2 in boxes.astype(np.float64):
        across = (x + 1 > x1 - margin) & (x < x2 + margin)
        touched |= across & (y + 1 > y1 - margin) & (y < y2 + margin)
    return touched


def _with_people(frames: Sequence[Frame], handed: Boxes, found: Boxes) -> Batch:
    """Return a batch whose first still has people handed over and people found as detections."""
    first, rank = frames[0], np.arange(1, len(found) + 1, dtype=np.int32)
    owner = np.full(len(found), first.id)
    rows = Detections(
        meta={"producer": "detector 1"},
        id=row_ids(owner, rank, "detector 1"),
        frame=owner,
        camera=np.full(len(found), first.camera),
        time=np.full(len(found), first.time),
        rank=rank,
        box=found,
        score=np.full(len(found), 0.5, np.float32),
        type=np.full(len(found), PERSON),
    )
    lengths = [len(handed)] + [0] * (len(frames) - 1)
    return Batch(
        frames=frames, detections=rows, embeddings=Embeddings.empty(), people=Ragged.from_lengths(handed, lengths)
    )
