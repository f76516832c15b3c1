"""One still of a simulation, with what is true about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["SimFrame"]


@dataclass(frozen=True, kw_only=True)
class SimFrame:
    """One still with its truth.

    ``image`` is uint8 ``(H, W, 3)`` RGB; ``jpeg`` what was sent, which a ``fault`` may have cut short;
    ``time`` what the camera's clock says, datetime64[ns] UTC, ``at`` the true second. ``boxes``
    float32 ``(N, 4)`` xyxy pixels bound what shows of each object, ``whole_boxes`` also what others hide,
    both clipped to the still; ``types`` car, truck, bus, motorcycle or person; ``identities`` int64,
    the same vehicle having the same number on every camera; ``visibility`` the share that shows;
    ``lanes`` from the median, ``speeds`` in m/s, ``towards`` whether it comes closer. ``size`` is width
    and height, ``digest`` the content hash of ``jpeg``.
    """

    camera: str
    time: np.datetime64
    name: str
    jpeg: bytes
    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    whole_boxes: NDArray[np.float32]
    types: NDArray[np.str_]
    identities: NDArray[np.int64]
    visibility: NDArray[np.float32]
    lanes: NDArray[np.int64]
    speeds: NDArray[np.float32]
    towards: NDArray[np.bool_]
    at: float
    size: tuple[int, int]
    digest: int
    fault: str = ""

    def without_pixels(self) -> SimFrame:
        """Return the truth of this still alone, a thousandth of its size."""
        return replace(self, jpeg=b"", image=np.zeros((0, 0, 3), np.uint8))
