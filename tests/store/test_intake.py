"""From a batch to what may be kept, before any store sees it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from cctview.privacy import Policy
from cctview.store import Batch
from cctview.store.intake import frame_rows, intake
from cctview.testing.samples import START, batch, detections, embeddings, frame, no_people
from cctview.types import PERSON, Frames, Ragged

POLICY = Policy.default("tests")
NOW = START + np.timedelta64(1, "h")
WHITE = np.full((24, 32, 3), 255, np.uint8)


def taken(given, known=(), policy=POLICY, now=NOW):
    """What a batch of which the frames at these places are known leaves."""
    rows = frame_rows(given.frames)
    return intake(given, rows, np.isin(np.arange(len(rows)), known), policy, now)


def told(boxes):
    """A white still for each list of people's boxes."""
    frames = [frame(number, image=WHITE) for number in range(len(boxes))]
    found = detections(frames, per_frame=0)
    every = np.array([box for some in boxes for box in some], np.float32).reshape(-1, 4)
    people = Ragged.from_lengths(every, [len(some) for some in boxes])
    return Batch(frames=frames, detections=found, embeddings=embeddings(found), people=people)


def seen(still):
    return np.asarray(Image.open(BytesIO(still)).convert("RGB")).astype(int)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_people_are_black_however_many_there_are(count):
    boxes = [(2.0 + 9 * k, 4.0, 8.0 + 9 * k, 20.0) for k in range(count)]
    found = taken(told([boxes]))
    image = seen(found.stills[0])
    for left, top, right, bottom in boxes:
        assert image[int(top) : int(bottom), int(left) : int(right)].max() < 20
    assert image[:, -2:].min() > 235 or count == 3
    assert found.admitted.people_redacted == count


def test_people_are_black_on_their_own_still_only():
    found = taken(told([[], [(4.0, 4.0, 12.0, 16.0)], []]))
    assert [seen(still)[8, 8].max() < 20 for still in found.stills] == [False, True, False]
    assert found.stills[0] == frame(0, image=WHITE).encoded, "byte by byte as it came"
    assert found.admitted.people_redacted == 1


def test_a_detected_person_is_black_and_no_row():
    frames = [frame(0, image=WHITE), frame(1, image=WHITE)]
    found = detections(frames, per_frame=2, types=("car", PERSON))
    kept = taken(Batch(frames=frames, detections=found, embeddings=embeddings(found), people=no_people(frames)))
    for number, still in enumerate(kept.stills):
        left, top, right, bottom = found.box[2 * number + 1].astype(int)
        assert seen(still)[top:bottom, left:right].max() < 20
    assert kept.detections["type"].to_pylist() == ["car", "car"]
    assert len(kept.embeddings) == 2
    assert (kept.admitted.people_redacted, kept.admitted.people_dropped) == (2, 2)


def test_people_stay_where_the_policy_says_so():
    open_house = replace(POLICY, redact_people=False, consent="all staff, 2026-01-05")
    found = taken(told([[(4.0, 4.0, 12.0, 16.0)]]), policy=open_house)
    assert seen(found.stills[0]).min() > 235
    assert found.admitted.people_redacted == 0


def test_what_is_known_or_comes_twice_is_left_out_and_counted():
    given = batch([0, 1, 1, 2])
    found = taken(given, known=[3])
    assert found.frames.id.tolist() == [given.frames[0].id, given.frames[1].id]
    assert found.admitted.frames == len(found.stills) == len(found.imported) == 2
    assert found.admitted.frames_known == 2
    assert found.admitted.frames_not_kept == 0, "what was known is not told again as a still without pixels"
    ids = found.detections["id"].to_pylist()
    assert len(ids) == len(set(ids)) == found.admitted.detections
    assert set(found.detections["frame"].to_pylist()) == set(found.frames.id.tolist())
    assert sorted(found.embeddings["detection"].to_pylist()) == sorted(
        name for name, kind in zip(ids, found.detections["type"].to_pylist(), strict=True) if kind != PERSON
    )


def test_what_is_too_old_is_counted_apart():
    found = taken(
        batch([0, 1]), known=[1], policy=replace(POLICY, expiry_from="capture"), now=NOW + np.timedelta64(900, "D")
    )
    assert len(found.frames) == len(found.stills) == len(found.detections) == len(found.embeddings) == 0
    assert (found.admitted.frames_expired, found.admitted.frames_known) == (1, 1)


def test_without_pixels_the_rows_stay_and_the_stills_are_empty():
    found = taken(batch([0, 1]), policy=replace(POLICY, keep_frames=False))
    assert found.stills == [b"", b""]
    assert (found.admitted.frames, found.admitted.pixels, found.admitted.frames_not_kept) == (2, 0, 2)
    assert found.admitted.people_redacted == 0
    assert taken(batch([0, 1])).admitted.frames_not_kept == 0


def test_an_embedding_is_stored_with_what_filters_and_order_need():
    given = batch([0, 1])
    found = taken(given).embeddings.to_pylist()
    of = dict(zip(given.detections.id.tolist(), range(len(given.detections)), strict=True))
    assert len(found) == len(given.embeddings)
    for row in found:
        place = of[row["detection"]]
        assert row["frame"] == given.detections.frame[place]
        assert row["camera"] == given.detections.camera[place]
        assert row["rank"] == given.detections.rank[place]
        assert np.datetime64(row["time"].replace(tzinfo=None), "ns") == given.detections.time[place]
        assert np.datetime64(row["imported"].replace(tzinfo=None), "ns") == NOW


def test_a_still_without_bytes_is_encoded():
    bare = frame(3, encoded=False)
    found = taken(
        Batch(
            frames=[bare],
            detections=detections([bare], 0),
            embeddings=embeddings(detections([bare], 0)),
            people=no_people([bare]),
        )
    )
    assert seen(found.stills[0]).shape == bare.image.shape


def test_rows_of_stills():
    rows = frame_rows([frame(0), frame(4)])
    assert (rows.width.tolist(), rows.height.tolist()) == ([32, 32], [24, 24])
    assert rows.camera.tolist() == ["733", "735"]
    assert np.diff(rows.time).tolist() == [4 * 10**9]
    assert frame_rows([]) == Frames.empty()
