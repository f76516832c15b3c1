"""The names of classes: COCO's, those in a file, and what they are called here."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cctview.errors import ModelError
from cctview.types import OBJECT_TYPES

__all__ = ["COCO", "COCO_BY_ID", "carried_names", "labels_for", "read_labels", "types_of"]

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
    **dict.fromkeys(("auto", "automobile", "cab", "hatchback", "jeep", "minivan", "passenger car"), "car"),
    **dict.fromkeys(("personal car", "pick up", "pickup", "pickup truck", "pick up truck", "sedan", "suv"), "car"),
    **dict.fromkeys(("taxi", "van", "vehicle", "motor vehicle", "other vehicle", "station wagon"), "car"),
    **dict.fromkeys(("articulated lorry", "articulated truck", "box truck", "freight car", "heavy truck"), "truck"),
    **dict.fromkeys(("hgv", "lorry", "semi", "semi trailer", "single unit truck", "trailer truck"), "truck"),
    **dict.fromkeys(("tractor trailer", "dump truck", "truck trailer"), "truck"),
    **dict.fromkeys(("autobus", "coach", "minibus", "omnibus", "school bus", "shuttle bus"), "bus"),
    **dict.fromkeys(("moped", "motor", "motor bike", "motor cycle", "motorbike", "scooter"), "motorcycle"),
    **dict.fromkeys(("bike", "cycle", "cyclist", "pedal cycle", "push bike"), "bicycle"),
    **dict.fromkeys(("adult", "child", "human", "man", "pedestrian", "people", "person sitting"), "person"),
    **dict.fromkeys(("police officer", "rider", "woman", "worker"), "person"),
}
_WORDS = re.compile(r"[\s_\-/]+")
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


def carried_names(text: str) -> tuple[str, ...]:
    """Return the class names that an exported graph carries as a Python or JSON literal, or as words between commas.

    ``{0: 'car', 1: 'truck'}``, ``["car", "truck"]`` or ``car,truck``; numbers that are left out have an empty name.
    """
    try:
        said = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        said = [name.strip() for name in text.split(",")] if text.strip() and "{" not in text else []
    if isinstance(said, Mapping):
        numbered = {int(number): str(name) for number, name in said.items() if str(number).isdecimal()}
        most = max(numbered, default=-1) + 1
        return tuple(numbered.get(number, "") for number in range(min(most, _MOST_LABELS)))
    return tuple(map(str, said)) if isinstance(said, (list, tuple)) else ()


def read_labels(path: Path) -> tuple[str, ...]:
    """Read one name per line; an empty line is a class without a use here. Raise ModelError when it is no such file."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not a file of labels ({error}); write one name per line") from error
    if not any(lines) or len(lines) > _MOST_LABELS:
        raise ModelError(f"{path} holds {len(lines)} labels; write one name per line")
    return tuple(line.strip() for line in lines)


def types_of(labels: tuple[str, ...]) -> NDArray[np.str_]:
    """Return what each label is called here (L,), in any case and by usual synonyms; empty where it is none of ours."""
    return np.array([next(filter(None, map(_type, _readings(label))), "") for label in labels], np.str_)


def _readings(label: str) -> Iterator[str]:
    """Yield a label as it may be meant: whole, then part by part from the end of a dotted one, then as one of many."""
    whole = _WORDS.sub(" ", unicodedata.normalize("NFKC", label).casefold()).strip()
    parts = whole.split(".")
    for name in (whole, *reversed(parts)):
        yield name
        yield name.removesuffix("s")
        yield name.removesuffix("es")


def _type(name: str) -> str:
    known = _SYNONYMS.get(name, name)
    return known if known in OBJECT_TYPES else ""
