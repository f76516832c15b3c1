"""COCO files of boxes: images, annotations and categories, with identities where there are any."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cctview.errors import FormatError
from cctview.formats.boxes import Boxes, BoxRow, Identities, boxes_of, given_identity, sound
from cctview.formats.files import read_json, write_text
from cctview.models.labels import types_of
from cctview.types import OBJECT_TYPES, Frames

__all__ = ["CATEGORIES", "read_coco_boxes", "write_coco"]

# COCO's own numbers of our object types.
CATEGORIES = {"person": 1, "bicycle": 2, "car": 3, "motorcycle": 4, "bus": 6, "truck": 8}


def read_coco_boxes(path: Path) -> tuple[Identities, list[str]]:
    """Read the boxes of our object types, by their usual names, and the names of all stills, boxes or not.

    An identity is taken from ``track_id`` or ``identity``, a camera from the image. Raises FormatError
    for another kind of file; annotations that cannot be used are counted and named.
    """
    data = read_json(path, most_bytes=1_000_000_000)
    try:
        images = {image["id"]: _still(image) for image in data["images"]}
        categories = {entry["id"]: str(entry["name"]) for entry in data["categories"]}
        marks = list(data["annotations"])
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{path}: not a COCO file of boxes ({error!r}); see the COCO data format") from error
    kinds = dict(zip(categories, types_of(tuple(categories.values())).tolist(), strict=True))
    rows, skipped, other = [], [], Counter[str]()
    for place, mark in enumerate(marks):
        try:
            kind = kinds[mark["category_id"]]
            if kind:
                rows.append(sound(_row(mark, images[mark["image_id"]], kind)))
            else:
                other[categories[mark["category_id"]]] += 1
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            skipped.append(f"{path.name}, annotation {place}: {error!r}")
    skipped += [
        f"{path.name}: {count} of the category {name!r}, which is none of ours" for name, count in other.items()
    ]
    if skipped and not rows:
        raise FormatError(f"{path}: no annotation can be used; {skipped[0]}; ours are {', '.join(OBJECT_TYPES)}")
    return Identities(boxes_of(rows), tuple(skipped)), [still for _, still, _ in images.values()]


def write_coco(path: Path, boxes: Boxes, frames: Frames) -> None:
    """Write the boxes of all these stills; stills without a box stand among the images too."""
    order = np.lexsort((frames.name, frames.time))
    named = frames[order]
    place = {name: n for n, name in enumerate(named.name.tolist(), start=1)}
    columns = (
        named.name.tolist(), named.camera.tolist(), np.datetime_as_string(named.time, "ms", timezone="UTC").tolist(),
        named.width.tolist(), named.height.tolist(),
    )  # fmt: skip
    images = [
        {
            "id": place[name],
            "file_name": f"{name}.jpeg",
            "camera": camera,
            "time": time,
            "width": width,
            "height": height,
        }
        for name, camera, time, width, height in zip(*columns, strict=True)
    ]
    document = {
        "images": images,
        "annotations": _annotations(boxes, place),
        "categories": [{"id": number, "name": name} for name, number in CATEGORIES.items()],
    }
    write_text(path, json.dumps(document) + "\n")


def _annotations(boxes: Boxes, place: dict[str, int]) -> list[dict[str, Any]]:
    sides = np.concatenate([boxes.box[:, :2], boxes.box[:, 2:] - boxes.box[:, :2]], axis=1).round(4)
    columns = (
        boxes.still.tolist(), boxes.type.tolist(), sides.tolist(), boxes.score.astype(np.float64).round(6).tolist(),
        boxes.identity.tolist(), boxes.ignored.tolist(),
    )  # fmt: skip
    return [
        {
            "id": number, "image_id": place[still], "category_id": CATEGORIES[kind], "bbox": bbox,
            "area": round(bbox[2] * bbox[3], 4), "iscrowd": int(ignored), "score": score,
            **({"track_id": identity} if identity else {}),
        }
        for number, (still, kind, bbox, score, identity, ignored) in enumerate(zip(*columns, strict=True), start=1)
    ]  # fmt: skip


def _still(image: Mapping[str, Any]) -> tuple[str, str, int]:
    """Return camera, name and frame number of an image."""
    name = PurePosixPath(str(image["file_name"])).stem.removesuffix("--original")
    return str(image.get("camera", name.split("--", maxsplit=1)[0])), name, int(image.get("frame", 0))


def _identity(mark: Mapping[str, Any]) -> int | str | None:
    """Return an annotation's identity, a whole number from 0 or a name; None where it is missing or negative."""
    given = mark.get("track_id", mark.get("identity"))
    return given if given is None or isinstance(given, str) else given_identity(given)


def _row(mark: Mapping[str, Any], still: tuple[str, str, int], kind: str) -> BoxRow:
    """Return an annotation as a row."""
    x, y, width, height = (float(side) for side in mark["bbox"])
    return BoxRow(
        camera=still[0],
        still=still[1],
        frame=still[2],
        identity=_identity(mark),
        box=(x, y, width, height),
        score=float(mark.get("score", 1.0)),
        type=kind,
        ignored=bool(mark.get("iscrowd") or mark.get("ignore")),
    )
