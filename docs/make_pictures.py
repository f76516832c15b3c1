"""Draw the pictures of the documentation, all of them from simulated stills.

python docs/make_pictures.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cctview.detect import load_detector
from cctview.sim import SimFrame, SimSettings, simulate
from cctview.simulated import SimulatedSource
from cctview.types import VEHICLE_TYPES, Frame

Image = NDArray[np.uint8]

HERE = Path(__file__).parent / "pictures"
CONDITIONS: dict[str, dict[str, Any]] = {
    "day": {"seed": 7},
    "dusk": {"seed": 20, "light": "dusk"},
    "night": {"seed": 21, "light": "night"},
    "rain": {"seed": 7, "weather": "rain"},
    "fog": {"seed": 25, "weather": "fog"},
    "glare": {"seed": 24, "weather": "glare"},
}


def still(settings: dict[str, Any]) -> SimFrame:
    """Return the last still of the busiest camera of a short simulation."""
    frames = list(simulate(SimSettings(minutes=0.1, cameras=2, interval_s=2.0, **settings)).frames())
    return max(frames, key=lambda frame: int(np.sum(np.prod(frame.boxes[:, 2:] - frame.boxes[:, :2], axis=1) > 250)))


def conditions() -> Image:
    """Return one still per light and weather, three in a row."""
    stills = [still(settings).image for settings in CONDITIONS.values()]
    return np.vstack([np.hstack(stills[:3]), np.hstack(stills[3:])])


def found() -> Image:
    """Return a still, enlarged, with what the bundled detector finds in it."""
    source = SimulatedSource("picture", simulate(SimSettings(minutes=0.1, cameras=1, seed=31)))
    frame = [item for item in source.frames(lambda _: False) if isinstance(item, Frame)][-1]
    boxes = load_detector()([frame])
    boxes = boxes[np.isin(boxes.type, VEHICLE_TYPES) & (boxes.score >= 0.4)]
    large = np.asarray(cv2.resize(frame.image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
    for x0, y0, x1, y1 in (boxes.box * 2).round().astype(int).tolist():
        cv2.rectangle(large, (x0, y0), (x1, y1), (255, 196, 0), 1, cv2.LINE_AA)
    return large


def main() -> None:
    """Write every picture as a small JPEG."""
    HERE.mkdir(exist_ok=True)
    makers = {"conditions": conditions, "found": found}
    for name, make in makers.items() if len(sys.argv) < 2 else ((name, makers[name]) for name in sys.argv[1:]):
        pixels = cv2.cvtColor(make(), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(HERE / f"{name}.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 82])


if __name__ == "__main__":
    main()
