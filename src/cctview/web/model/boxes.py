"""The boxes of a still or of a vehicle, and to which vehicle each belongs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.naming import detection_names
from cctview.seams import Store
from cctview.types import Detections, Tracklets
from cctview.web.model import answers
from cctview.web.model.index import Index
from cctview.web.model.moments import from_micros
from cctview.web.model.names import Names

__all__ = ["boxes_of", "detections_of", "owners"]


def boxes_of(store: Store, frames: NDArray[np.int64]) -> Detections:
    """Return the boxes of stills, in order of their rank."""
    rows = store.columns(Detections, list(Detections.columns), ids=frames, by="frame")
    found = Detections.from_arrow(rows)
    return found[np.lexsort((found.rank, found.frame))]


def owners(store: Store, index: Index, boxes: Detections) -> NDArray[np.int64]:
    """Return the tracklet of each box (N,), -1 where it belongs to none."""
    if not len(boxes):
        return np.zeros(0, np.int64)
    micros = boxes.time.astype("datetime64[us]").astype(np.int64)
    near = [
        index.present(camera, int(micros[here].min()), int(micros[here].max()))
        for camera in np.unique(boxes.camera).tolist()
        for here in [boxes.camera == camera]
    ]
    rows = store.columns(Tracklets, ["id", "members"], ids=index.tracklets.id[np.concatenate(near)])
    if not rows.num_rows:
        return np.full(len(boxes), -1)
    members = rows.column("members").combine_chunks()
    flat = members.flatten().to_numpy()
    tracklet = np.repeat(rows.column("id").to_numpy(), _lengths(members))
    order = np.argsort(flat, kind="stable")
    place = order[np.minimum(np.searchsorted(flat, boxes.id, sorter=order), len(flat) - 1)]
    return np.where(flat[place] == boxes.id, tracklet[place], -1)


def detections_of(
    rows: Detections, names: Names, stills: Sequence[str], tracklets: Sequence[str | None]
) -> tuple[answers.Detection, ...]:
    """Answer with boxes whose stills and tracklets have these names."""
    readable = detection_names(np.array(stills, np.str_), rows.rank, rows.type, rows.score, rows.box).tolist()
    micros = rows.time.astype("datetime64[us]").astype(np.int64).tolist()
    columns = zip(
        names.out(rows.id),
        readable,
        names.out(rows.frame),
        rows.camera.tolist(),
        micros,
        rows.type.tolist(),
        rows.score.tolist(),
        rows.box.tolist(),
        tracklets,
        strict=True,
    )
    return tuple(
        answers.Detection(
            id=ident,
            name=name,
            frame=frame,
            camera=camera,
            time=from_micros(time),
            type=kind,
            score=score,
            box=tuple(box),
            tracklet=tracklet,
        )
        for ident, name, frame, camera, time, kind, score, box, tracklet in columns
    )


def _lengths(lists: pa.Array) -> NDArray[np.int64]:
    return lists.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
