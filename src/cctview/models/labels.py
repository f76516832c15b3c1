"""The names of classes: COCO's, those in a file, and what they are called here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cctview.errors import ModelError
from cctview.types import OBJECT_TYPES

__all__ = ["COCO", "COCO_BY_ID", "labels_for", "read_labels", "types_of"]

_COCO_NAMES = """
person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop sign,
parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella,
handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove,
skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple,
sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining
table, toilet, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink,
refrigerator, book, clock, vase, scissors, teddy bear, hair drier, toothbrush
"""
COCO = tuple(" ".join(name.split()) for name in _COCO_NAMES.split(","))
_UNUSED_IDS = (0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
_SYNONYMS = {
    "automobile": "car",
    "van": "car",
    "suv": "car",
    "taxi": "car",
    "vehicle": "car",
    "lorry": "truck",
    "coach": "bus",
    "motorbike": "motorcycle",
    "motor": "motorcycle",
    "bike": "bicycle",
    "cyclist": "bicycle",
    "pedestrian": "person",
    "people": "person",
}
_MOST_LABELS = 10_000


def _by_id() -> tuple[str, ...]:
    names = [""] * (max(len(COCO) + len(_UNUSED_IDS), 91))
    used = [number for number in range(len(names)) if number not in _UNUSED_IDS]
    for number, name in zip(used, COCO, strict=True):
        names[number] = name
    return tuple(names)


COCO_BY_ID = _by_id()


def labels_for(classes: int, where: str) -> tuple[str, ...]:
    """Return COCO's names for a model that tells this many classes apart; 0 where the graph does not say.

    Raise ModelError when they are not COCO's.
    """
    if classes in (0, len(COCO)):
        return COCO
    named = {len(COCO) + 1: ("", *COCO), len(COCO_BY_ID): COCO_BY_ID, len(COCO_BY_ID) - 1: COCO_BY_ID[1:]}
    if classes in named:
        return named[classes]
    raise ModelError(
        f"{where} tells {classes} classes apart, which are not COCO's; give their names with --labels FILE"
    )


def read_labels(path: Path) -> tuple[str, ...]:
    """Read one name per line; an empty line is a class without a use here. Raise ModelError when it is no such file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not a file of labels ({error}); write one name per line") from error
    if not any(lines) or len(lines) > _MOST_LABELS:
        raise ModelError(f"{path} holds {len(lines)} labels; write one name per line")
    return tuple(line.strip() for line in lines)


def types_of(labels: tuple[str, ...]) -> NDArray[np.str_]:
    """Return what each label is called here (L,), empty where it is nothing we look for."""
    names = [label.strip().lower().replace("_", " ") for label in labels]
    known = [_SYNONYMS.get(name, name) for name in names]
    return np.array([name if name in OBJECT_TYPES else "" for name in known], np.str_)
