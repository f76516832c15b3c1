"""Pictures for the screen: stills with their boxes, and crops of vehicles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cctview.errors import StoreError
from cctview.extras import cv2
from cctview.types import Detections

__all__ = ["COLOURS", "crop", "decoded", "encoded", "with_boxes"]

# One colour per type, RGB, told apart by people who see few colours (Okabe and Ito, 2008).
COLOURS = {
    "car": (86, 180, 233),
    "truck": (230, 159, 0),
    "bus": (0, 158, 115),
    "motorcycle": (204, 121, 167),
    "bicycle": (240, 228, 66),
}
_QUALITY = 90
_MARGIN = 0.06
Image = NDArray[np.uint8]


def decoded(still: bytes) -> Image:
    """Return the pixels of a stored still, ``uint8 (H, W, 3)`` RGB."""
    image = cv2.imdecode(np.frombuffer(still, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise StoreError("the bytes of a stored still are damaged; restore the store from a backup")
    return np.asarray(image, np.uint8)


def encoded(image: Image) -> bytes:
    """Return pixels as JPEG bytes."""
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise StoreError(f"an image of {image.shape} cannot be encoded as JPEG; report this")
    return data.tobytes()


def with_boxes(still: bytes, found: Detections) -> bytes:
    """Return a still as JPEG with its boxes drawn in the colours of their types."""
    image = decoded(still)
    corners = np.rint(found.box).astype(int).tolist()
    for (x1, y1, x2, y2), kind in zip(corners, found.type.tolist(), strict=True):
        cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), COLOURS.get(kind, (255, 255, 255)), 1)
    return encoded(image)


def crop(still: bytes, box: NDArray[np.float32], side: int | None = None) -> bytes:
    """Return what a box shows, with a little around it, as JPEG; its longer side ``side`` pixels on request."""
    return encoded(scaled(cut(decoded(still), box), side))


def cut(image: Image, box: NDArray[np.float32]) -> Image:
    """Return the pixels of a box grown by a margin, at least one pixel."""
    height, width = image.shape[:2]
    grow = (box[2:] - box[:2]) * _MARGIN
    x1, y1 = np.clip(np.floor(box[:2] - grow), 0, (width - 1, height - 1)).astype(int)
    x2, y2 = np.clip(np.ceil(box[2:] + grow), (x1 + 1, y1 + 1), (width, height)).astype(int)
    return image[y1:y2, x1:x2]


def scaled(image: Image, side: int | None) -> Image:
    """Return the image with its longer side ``side`` pixels long."""
    if side is None:
        return image
    factor = side / max(image.shape[:2])
    size = [max(1, round(extent * factor)) for extent in image.shape[1::-1]]
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)
