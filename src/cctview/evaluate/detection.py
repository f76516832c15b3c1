"""Score a detector on hand-labelled boxes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview import geometry
from cctview.errors import FormatError, SourceNotFoundError
from cctview.metrics.detection import (
    COCO_SIZES,
    DetectionCounts,
    ScoredBoxes,
    TrueBoxes,
    average_precision,
    count_detections,
    recall_at_precision,
)
from cctview.models.labels import types_of
from cctview.seams import Detector
from cctview.sources import decode
from cctview.types import OBJECT_TYPES, VEHICLE_TYPES, Detections, Frame

__all__ = ["Truth", "count_types", "evaluate_detection", "read_coco"]

_EPOCH = np.datetime64("1970-01-01", "ns")
_BATCH = 32


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Hand-labelled boxes in COCO's form; ``image`` numbers the files, ``ignore`` counts neither way.

    Detections centred above ``quiet_above`` pixels of their image are not scored: nothing is labelled
    there. ``other`` counts the boxes of categories that are none of ours.
    """

    files: tuple[Path, ...]
    quiet_above: NDArray[np.float64]
    image: NDArray[np.int64]
    box: NDArray[np.float64]
    type: NDArray[np.str_]
    ignore: NDArray[np.bool_]
    other: Mapping[str, int] = field(default_factory=dict)

    def of(self, images: NDArray[np.bool_]) -> Truth:
        """Return the truth of some images (I,), under the same numbers."""
        rows = images[self.image]
        return replace(self, image=self.image[rows], box=self.box[rows], type=self.type[rows], ignore=self.ignore[rows])


def read_coco(path: Path, images: Path, *, ignore_above: float = 0.0) -> Truth:
    """Read a COCO file; its images are looked for by name anywhere below ``images``.

    ``ignore_above`` is the share of each image's height, from the top, where nothing is labelled.
    Raises FormatError for a file of another form and SourceNotFoundError for a missing image.
    """
    try:
        data = json.loads(path.read_bytes())
        said = {entry["id"]: str(entry["name"]) for entry in data["categories"]}
        names = dict(zip(said, types_of(tuple(said.values())).tolist(), strict=True))
        rows = {entry["id"]: number for number, entry in enumerate(data["images"])}
        quiet = [max(entry.get("unlabelled_above_y", 0.0), ignore_above * entry["height"]) for entry in data["images"]]
        boxes, other = _known(data["annotations"], names, said)
        corners = np.array([entry["bbox"] for entry in boxes], np.float64).reshape(-1, 4)
        image = np.array([rows[entry["image_id"]] for entry in boxes], np.int64)
        above = corners[:, 1] + corners[:, 3] / 2 < np.array(quiet)[image]
        ignored = [bool(entry.get("ignore") or entry.get("iscrowd")) for entry in boxes]
        return Truth(
            files=tuple(_located(images, [str(entry["file_name"]) for entry in data["images"]])),
            quiet_above=np.array(quiet, np.float64),
            image=image,
            box=np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:]], axis=1),
            type=np.array([names[entry["category_id"]] for entry in boxes], np.str_),
            ignore=np.array(ignored, np.bool_) | above,
            other=dict(other),
        )
    except SourceNotFoundError:
        raise
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    except OSError as error:
        raise SourceNotFoundError(f"{path}: cannot be read ({error.strerror}); give the path of a COCO file") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{path}: not a COCO file of boxes ({error!r}); see the COCO data format") from error


def _known(
    marks: list[dict[str, Any]], names: Mapping[Any, str], said: Mapping[Any, str]
) -> tuple[list[dict[str, Any]], Counter[str]]:
    """Return the annotations of known categories and a count of the others; FormatError when all are others."""
    boxes = [mark for mark in marks if names[mark["category_id"]]]
    other = Counter(said[mark["category_id"]] for mark in marks if not names[mark["category_id"]])
    if other and not boxes:
        told = ", ".join(f"{count} x {name!r}" for name, count in other.items())
        raise FormatError(f"no box is of a category that is known: {told}; ours are {', '.join(OBJECT_TYPES)}")
    return boxes, other


def evaluate_detection(truth: Truth, detector: Detector) -> dict[str, Any]:
    """Return AP50, AP50:95, AP by size and recall at precision 0.97, of vehicles merged and of each type."""
    found, image = _detect(truth, detector)
    types: dict[str, tuple[str, ...]] = {"vehicle": VEHICLE_TYPES, **{name: (name,) for name in OBJECT_TYPES}}
    scores = {}
    for name, members in types.items():
        mine = np.isin(found.type, members)
        boxes = ScoredBoxes(image=image[mine], box=found.box[mine], score=found.score[mine])
        scores[name] = _scores(truth, boxes, members)
    return {name: values for name, values in scores.items() if values["truths"]}


def count_types(truth: Truth, found: ScoredBoxes, types: Collection[str], **options: Any) -> DetectionCounts:
    """Count boxes said to be of these types, merged; ``options`` are those of ``count_detections``.

    Boxes centred where nothing is labelled are left out. A vehicle that is to be ignored was not told apart
    by type, so it excuses a box of any vehicle type.
    """
    seen = geometry.centre(found.box)[:, 1] >= truth.quiet_above[found.image]
    ignored_kin = truth.ignore & np.isin(truth.type, VEHICLE_TYPES) & bool(set(types) & set(VEHICLE_TYPES))
    rows = np.isin(truth.type, list(types)) | ignored_kin
    return count_detections(
        ScoredBoxes(image=found.image[seen], box=found.box[seen], score=found.score[seen]),
        TrueBoxes(image=truth.image[rows], box=truth.box[rows], ignored=truth.ignore[rows], crowd=truth.ignore[rows]),
        **options,
    )


def _located(folder: Path, names: list[str]) -> Iterator[Path]:
    """Yield the path of each named image; below the folder, wherever its sub-folders put it."""
    missing = {Path(name).name for name in names if not (folder / name).is_file()}
    elsewhere = {path.name: path for path in folder.rglob("*") if path.name in missing} if missing else {}
    for name in names:
        path = elsewhere.get(Path(name).name, folder / name)
        if not path.is_file():
            raise SourceNotFoundError(f"{name}: no such image below {folder}; --images names their folder")
        yield path


def _detect(truth: Truth, detector: Detector) -> tuple[Detections, NDArray[np.int64]]:
    """Return the detections of all images, and the number of the image each lies in."""
    tables = []
    for start in range(0, len(truth.files), _BATCH):
        paths = truth.files[start : start + _BATCH]
        tables.append(detector([_frame(start + offset, path) for offset, path in enumerate(paths)]))
    found = Detections.concat(tables)
    return found, (found.time - _EPOCH).astype(np.int64)


def _frame(number: int, path: Path) -> Frame:
    """Return an image as a frame whose time is its number."""
    image = decode(path.read_bytes(), str(path)).image
    return Frame(image=image, camera="truth", time=_EPOCH + np.timedelta64(number, "ns"), name=path.stem, digest=number)


def _scores(truth: Truth, found: ScoredBoxes, types: Collection[str]) -> dict[str, float]:
    whole, *sizes = (count_types(truth, found, types, area=area) for area in COCO_SIZES.values())
    precision = average_precision(whole)
    by_size = zip(list(COCO_SIZES)[1:], sizes, strict=True)
    return {
        "truths": float(whole.truths),
        "AP50": float(precision[0]),
        "AP50:95": float(precision.mean()),
        "recall at precision 0.97": float(recall_at_precision(whole, 0.97)[0]),
        **{f"AP50 {name}": float(average_precision(part)[0]) for name, part in by_size if part.truths},
    }
