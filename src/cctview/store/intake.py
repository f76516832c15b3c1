"""From a batch to the rows and stills that may be stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.privacy import Policy, admit, redact
from cctview.store.contract import Admitted, Batch
from cctview.store.jpeg import encode, stripped
from cctview.store.layouts import stored, times
from cctview.types import PERSON, Detections, Embeddings, Frame, Frames, Ragged, rows_of

__all__ = ["Intake", "frame_rows", "intake"]


@dataclass(frozen=True, kw_only=True)
class Intake:
    """The rows of a batch that go to disk, the stills (one per frame, empty when not kept), the counts."""

    frames: Frames
    stills: list[bytes]
    detections: pa.Table
    embeddings: pa.Table
    imported: pa.Array
    admitted: Admitted


def frame_rows(frames: list[Frame]) -> Frames:
    """Return the table of these stills."""
    if not frames:
        return Frames.empty()
    sizes = np.array([frame.image.shape[:2] for frame in frames], np.int32)
    return Frames(
        id=np.array([frame.id for frame in frames], np.int64),
        camera=np.array([frame.camera for frame in frames]),
        time=np.array([frame.time for frame in frames], "datetime64[ns]"),
        time_error_s=np.array([frame.time_error_s for frame in frames], np.float32),
        name=np.array([frame.name for frame in frames]),
        digest=np.array([frame.digest for frame in frames], np.int64),
        width=sizes[:, 1],
        height=sizes[:, 0],
    )


def intake(batch: Batch, rows: Frames, known: NDArray[np.bool_], policy: Policy, now: np.datetime64) -> Intake:
    """Return what of a batch is new and allowed; ``rows`` and ``known`` align with its frames."""
    allowed = admit(policy, rows, batch.detections, batch.embeddings, now)
    fresh = _first(rows.id) & ~known
    kept = fresh & allowed.frames
    with_pixels = kept & allowed.pixels
    of_kept = np.isin(batch.detections.frame, rows.id[kept]) & _first(batch.detections.id)
    detections = batch.detections[allowed.detections & of_kept]
    with_detection = np.isin(batch.embeddings.detection, detections.id) & _first(batch.embeddings.detection)
    embeddings = batch.embeddings[allowed.embeddings & with_detection]
    people = _people(batch, rows)
    boxes = np.split(people.values, people.offsets[1:-1])
    blackened = 0
    stills = []
    for place in np.flatnonzero(kept).tolist():
        still, count = _still(batch.frames[place], boxes[place], policy) if with_pixels[place] else (b"", 0)
        stills.append(still)
        blackened += count
    return Intake(
        frames=rows[kept],
        stills=stills,
        detections=stored(detections, {"imported": _repeated(now, len(detections))}),
        embeddings=_embedding_rows(embeddings, detections, now),
        imported=_repeated(now, int(kept.sum())),
        admitted=Admitted(
            frames=int(kept.sum()),
            pixels=int(with_pixels.sum()),
            detections=len(detections),
            embeddings=len(embeddings),
            frames_known=int((~fresh).sum()),
            frames_expired=int((fresh & ~allowed.frames).sum()),
            frames_not_kept=int((kept & ~with_pixels).sum()),
            people_redacted=blackened,
            people_dropped=int((of_kept & (batch.detections.type == PERSON)).sum()),
        ),
    )


def _people(batch: Batch, rows: Frames) -> Ragged[np.float32]:
    """Return the boxes to black out per frame: those handed over, and every detected person."""
    found = batch.detections[batch.detections.type == PERSON]
    place = rows_of(rows.id, found.frame)
    boxes = np.concatenate([batch.people.values, found.box])
    return Ragged.grouped(boxes, np.concatenate([batch.people.row, place]), len(rows))


def _still(frame: Frame, people: NDArray[np.float32], policy: Policy) -> tuple[bytes, int]:
    """Return the still as it is kept, and how many boxes (M, 4) were blacked out in it."""
    if len(people) and policy.redact_people:
        return encode(redact(frame.image, people)), len(people)
    return stripped(frame.encoded) or encode(frame.image), 0


def _embedding_rows(embeddings: Embeddings, detections: Detections, now: np.datetime64) -> pa.Table:
    """Add what filters and order need: the frame, camera, time and rank of each detection."""
    of = detections[rows_of(detections.id, embeddings.detection)]
    extra = {
        "frame": pa.array(of.frame),
        "camera": pa.array(of.camera.tolist(), pa.string()),
        "time": times(of.time),
        "rank": pa.array(of.rank),
        "imported": _repeated(now, len(embeddings)),
    }
    return stored(embeddings, extra)


def _repeated(time: np.datetime64, count: int) -> pa.Array:
    return times(np.full(count, time))


def _first(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which ids are not repeats of an earlier one."""
    first = np.zeros(len(ids), np.bool_)
    first[np.unique(ids, return_index=True)[1]] = True
    return first
