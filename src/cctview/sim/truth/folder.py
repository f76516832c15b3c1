"""Write a simulation as a folder of stills in the original layout, with what is true about them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.progress import silent
from cctview.seams import Progress
from cctview.sim.sightings import IGNORED_PX, IGNORED_VISIBILITY
from cctview.sim.simulation import Simulation
from cctview.sim.still import SimFrame

__all__ = ["CATEGORIES", "coco_rows", "visits", "write_stills"]

CATEGORIES = {"person": 1, "bicycle": 2, "car": 3, "motorcycle": 4, "bus": 6, "train": 7, "truck": 8}
_REGION_PX = 2.0  # what is ignored is widened by this much, for nobody can say where such a thing ends


def write_stills(
    simulation: Simulation,
    folder: Path | str,
    *,
    nested: bool = True,
    keep: list[SimFrame] | None = None,
    progress: Progress = silent,
) -> int:
    """Write the stills, ``network.toml`` and ``truth.json`` into a folder; return the number of stills.

    What was drawn is added to ``keep``, without its pixels.

    Nested stills lie in ``<camera>/YYYY/MM/DD/HH/MM/SS/``. ``truth.json`` is a COCO file whose
    annotations carry ``identity``, ``visibility`` and ``whole``, the xyxy box with the hidden parts;
    what is too small or too hidden to ask for is a region to ignore: marked ``iscrowd`` and ``ignore``, its
    box 2 px wider on each side. ``visits`` tells when each vehicle was at each camera.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    (root / "network.toml").write_text(simulation.plan.network_toml(), encoding="utf-8")
    images: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    seen: list[SimFrame] = [] if keep is None else keep
    total = len(simulation.plan.timetable)
    for number, frame in enumerate(simulation.frames(), start=1):
        path = root / (_place(frame.name) if nested else "") / frame.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(frame.jpeg)
        images.append(_image(number, frame, simulation))
        marks += coco_rows(frame, number, len(marks) + 1)
        seen.append(frame.without_pixels())
        progress("drawing", number, total)
    truth = {
        "info": {"description": "simulated by cctview", "settings": asdict(simulation.plan.settings)},
        "images": images,
        "annotations": marks,
        "categories": [{"id": number, "name": name} for name, number in CATEGORIES.items()],
        "visits": visits(seen),
    }
    (root / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
    return len(images)


def coco_rows(frame: SimFrame, image: int, first: int) -> list[dict[str, Any]]:
    """Return the COCO annotations of one still; ``image`` is its number, ``first`` that of its first annotation."""
    size = frame.boxes[:, 2:] - frame.boxes[:, :2]
    ignored = (np.sqrt(size.prod(axis=1)) < IGNORED_PX) | (frame.visibility < IGNORED_VISIBILITY)
    margin = _REGION_PX * ignored[:, None] * np.array([-1, -1, 1, 1])
    boxes, wholes = (frame.boxes.astype(np.float64) + margin).round(2), frame.whole_boxes.astype(np.float64).round(2)
    size = (boxes[:, 2:] - boxes[:, :2]).round(2)
    columns = (
        np.concatenate([boxes[:, :2], size], axis=1).tolist(), wholes.tolist(),
        frame.types.tolist(), frame.identities.tolist(), frame.visibility.astype(np.float64).round(3).tolist(),
        ignored.astype(int).tolist(),
    )  # fmt: skip
    return [
        {
            "id": number, "image_id": image, "category_id": CATEGORIES[kind], "bbox": bbox,
            "area": round(bbox[2] * bbox[3], 2), "iscrowd": skip, "ignore": skip, "identity": identity,
            "visibility": shows, "whole": whole,
        }
        for number, (bbox, whole, kind, identity, shows, skip) in enumerate(zip(*columns, strict=True), start=first)
    ]  # fmt: skip


def visits(frames: list[SimFrame]) -> list[dict[str, Any]]:
    """Return when each identity was on each camera, in order of identity and time."""
    if not frames:
        return []
    counts = [len(frame.identities) for frame in frames]
    identity = np.concatenate([frame.identities for frame in frames])
    kind = np.concatenate([frame.types for frame in frames])
    camera = np.repeat(np.array([frame.camera for frame in frames]), counts)
    time = np.repeat(np.array([frame.time for frame in frames]), counts)
    order = np.lexsort((time, camera, identity))
    identity, kind, camera, time = identity[order], kind[order], camera[order], time[order]
    starts = np.flatnonzero(_changed(identity) | _changed(camera))
    ends = np.append(starts[1:], len(identity))
    by_time = np.lexsort((time[starts], identity[starts]))
    return [
        {
            "identity": int(identity[a]), "type": str(kind[a]), "camera": str(camera[a]), "stills": int(b - a),
            "first_time": f"{time[a]}Z", "last_time": f"{time[b - 1]}Z",
        }
        for a, b in zip(starts[by_time].tolist(), ends[by_time].tolist(), strict=True)
    ]  # fmt: skip


def _changed(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.append(True, values[1:] != values[:-1])[: len(values)]


def _image(number: int, frame: SimFrame, simulation: Simulation) -> dict[str, Any]:
    settings = simulation.plan.settings
    return {
        "id": number, "file_name": frame.name, "width": settings.width, "height": settings.height,
        "camera": frame.camera, "time": f"{frame.time}Z",
    }  # fmt: skip


def _place(name: str) -> str:
    """Return the nested folder of a still: ``<camera>/YYYY/MM/DD/HH/MM/SS``."""
    camera, day, clock, _ = name.rsplit("--", 3)
    return "/".join([camera, *day.split("-"), *clock.split(".")[:3]])
