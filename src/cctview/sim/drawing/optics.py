"""What a cheap camera does to a picture: softness, halos, noise, exposure, a burnt-in caption, JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.extras import cv2
from cctview.sim.cameras.lens import Lens
from cctview.sim.cameras.pose import RoadCamera
from cctview.sim.drawing.air import Air, air_before
from cctview.sim.drawing.lighting import Lighting

__all__ = ["Optics", "cheap_camera", "decoded", "develop"]

Floats = NDArray[np.floating[Any]]
Image = NDArray[np.uint8]
_BANKS = 2


@dataclass(frozen=True, kw_only=True)
class Optics:
    """The faults of one camera, in pixels, grey levels and shares.

    ``veil`` is stray light; ``noise`` holds ready-made noise to cut from; ``banner`` says whether the
    caption stands on black.
    """

    width: int
    height: int
    blur: float
    halo: float
    contrast: float
    veil: float
    banner: bool
    tint: Floats
    saturation: float
    quality: int
    noise: NDArray[np.int16]
    caption: str
    lens: Lens
    air: Air


def cheap_camera(camera: RoadCamera, light: Lighting, caption: str, lens: Lens, rng: np.random.Generator) -> Optics:
    """Return the faults of a camera drawn at random around those of common traffic cameras."""
    width, height, noise = camera.width, camera.height, light.noise
    grain = rng.normal(0, noise, (_BANKS * height, width + 64, 3))
    grey = cv2.GaussianBlur(rng.normal(0, 2.2 * noise, grain.shape[:2]), (0, 0), 0.8)
    blotch = cv2.GaussianBlur(rng.normal(0, 3.5 * noise, grain.shape), (0, 0), 1.6)
    return Optics(
        width=width,
        height=height,
        blur=float(rng.uniform(0.3, 0.6)) * max(width / 704, 1.0),
        halo=float(rng.uniform(0.55, 1.1)),
        contrast=float(rng.uniform(1.12, 1.38)),
        veil=float(rng.choice([0.0, rng.uniform(4, 26)])),
        banner=bool(rng.random() < 0.35),
        tint=np.array([1.0, 1.0, 1.0]) + rng.normal(0, 0.02, 3),
        saturation=float(rng.uniform(0.35, 0.62)),
        quality=int(rng.integers(72, 88)),
        noise=np.round(0.22 * grain + grey[..., None] * 0.9 + blotch * 0.25).astype(np.int16),
        caption=caption,
        lens=lens,
        air=air_before(camera, light, rng),
    )


def develop(large: Image, optics: Optics, stamp: str, rng: np.random.Generator) -> bytes:
    """Return the JPEG that the camera sends, from the picture ``(H, W, 3)`` RGB drawn several times larger."""
    seen = cv2.resize(optics.lens.bent(large), (optics.width, optics.height), interpolation=cv2.INTER_AREA)
    small = optics.air.on(np.asarray(seen, np.uint8), rng)
    soft = cv2.GaussianBlur(small, (0, 0), optics.blur)
    sharp = cv2.addWeighted(soft, 1 + optics.halo, cv2.GaussianBlur(soft, (0, 0), 1.2), -optics.halo, 0)
    row, column = int(rng.integers((_BANKS - 1) * optics.height)), int(rng.integers(64))
    grain = optics.noise[row : row + optics.height, column : column + optics.width]
    still = np.asarray(cv2.add(cv2.transform(sharp, _colours(optics, rng)), grain, dtype=cv2.CV_8U), np.uint8)
    _burn(still, f"{optics.caption} {stamp}", banner=optics.banner)
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(still, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, optics.quality]
    )
    assert done  # noqa: S101 - encoding to memory fails for no valid array
    return data.tobytes()


def decoded(jpeg: bytes) -> Image:
    """Return the RGB pixels ``(H, W, 3)`` of a JPEG made by ``develop``."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None  # noqa: S101 - these bytes were encoded here
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _colours(optics: Optics, rng: np.random.Generator) -> Floats:
    """Return the 3x4 matrix of saturation, tint, contrast and a slightly restless exposure."""
    grey = np.full((3, 3), 1 / 3)
    mix = (grey + (np.eye(3) - grey) * optics.saturation) * optics.tint[:, None]
    gain = (1 - optics.veil / 255) * optics.contrast * rng.normal(1.0, 0.012)
    return np.concatenate([mix * gain, np.full((3, 1), optics.veil + 118 * (1 - optics.contrast))], axis=1)


def _burn(still: Image, text: str, *, banner: bool) -> None:
    """Write the caption along the top edge, white on a black banner or within a thin dark outline."""
    size = still.shape[1] / 352
    band = still[: int(18 * size)]
    ink = np.zeros(band.shape[:2], np.uint8)
    at, thick = (3, int(13 * size)), max(round(size), 1)
    cv2.putText(ink, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42 * size, 255, thick, cv2.LINE_AA)
    dark = np.full_like(ink, 255) if banner else cv2.dilate(ink, np.ones((3, 3), np.uint8)) // 2
    cv2.subtract(band, cv2.merge([dark] * 3), dst=band)
    cv2.add(band, cv2.merge([ink] * 3), dst=band)
