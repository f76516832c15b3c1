"""What may reach the disk, and what may no longer stay there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import TableError
from cctview.privacy.policy import Kept, Policy
from cctview.types import PERSON, Detections, Embeddings, Frames

__all__ = ["Admission", "admit", "expired", "expires_before"]

_NANOSECONDS_PER_DAY = 86_400 * 10**9
_END_OF_TIME = np.datetime64(2**63 - 1, "ns")
_START_OF_TIME = np.datetime64(-(2**63) + 1, "ns")
Times = NDArray[np.datetime64]


@dataclass(frozen=True, kw_only=True)
class Admission:
    """Which rows of a batch may be stored: masks over its frames, detections and embeddings.

    ``pixels`` is a mask over the frames too.
    """

    frames: NDArray[np.bool_]
    pixels: NDArray[np.bool_]
    detections: NDArray[np.bool_]
    embeddings: NDArray[np.bool_]


def expires_before(policy: Policy, kept: Kept, now: np.datetime64) -> np.datetime64:
    """Return the time before which rows of this kind may no longer be kept.

    Stills that may not be kept at all are always too old.
    """
    if kept == "frames" and not policy.keep_frames:
        return _END_OF_TIME
    days = policy.days(kept)
    return (
        _START_OF_TIME
        if days is None
        else now.astype("datetime64[ns]") - np.timedelta64(round(days * _NANOSECONDS_PER_DAY), "ns")
    )


def expired(policy: Policy, kept: Kept, times: Times, now: np.datetime64) -> NDArray[np.bool_]:
    """Return which rows of this kind must go: ``times`` (N,) as the policy counts them, to (N,)."""
    return times < expires_before(policy, kept, now)


def admit(
    policy: Policy, frames: Frames, detections: Detections, embeddings: Embeddings, now: np.datetime64
) -> Admission:
    """Return what of a batch imported at ``now`` may reach the disk.

    People never do, nor what would have expired on arrival. Raise TableError for a detection whose
    frame, or an embedding whose detection, is not in the batch.
    """
    of_frame = _found(detections.frame, frames.id, "detections.frame")
    of_detection = _found(embeddings.detection, detections.id, "embeddings.detection")
    counted = frames.time if policy.expiry_from == "capture" else np.full(len(frames), now.astype("datetime64[ns]"))
    gone = {kept: expired(policy, kept, counted, now) for kept in ("frames", "detections", "embeddings")}
    kept_detections = (detections.type != PERSON) & ~gone["detections"][of_frame]
    return Admission(
        frames=~(gone["frames"] & gone["detections"]),
        pixels=~gone["frames"],
        detections=kept_detections,
        embeddings=kept_detections[of_detection] & ~gone["embeddings"][of_frame[of_detection]],
    )


def _found(wanted: NDArray[np.int64], ids: NDArray[np.int64], where: str) -> NDArray[np.intp]:
    """Return the row of each wanted id, or raise TableError."""
    order: NDArray[Any] = np.argsort(ids, kind="stable")
    if not len(ids):
        place = np.zeros(len(wanted), np.intp)
    else:
        place = order[np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)]
    good = ids[place] == wanted if len(ids) else np.zeros(len(wanted), np.bool_)
    if not good.all():
        row = int(np.argmin(good))
        raise TableError(f"{where}: row {row} names {wanted[row]}, which is not in the batch; append them together")
    return place
