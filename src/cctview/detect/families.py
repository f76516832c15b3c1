"""Look at stills through other people's detector graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cctview.detect.decoding import DECODERS, Decoded
from cctview.detect.fit import Fit, normalised
from cctview.errors import ModelError, nearest
from cctview.models.labels import types_of
from cctview.models.record import ModelRecord
from cctview.models.runtime import RuntimeSettings, opened, refusals
from cctview.types import OBJECT_TYPES

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["FamilyLook"]

_MOST = 1000


class FamilyLook:
    """Run a graph whose record names the family of its outputs; classes without a use here are left out."""

    def __init__(self, record: ModelRecord, runtime: RuntimeSettings) -> None:
        """Raise ModelError when the family is unknown or no label is a type."""
        family = str(record.settings["family"])
        if family not in DECODERS:
            raise ModelError(f"{record.name!r} is of the family {family!r}; {nearest(family, DECODERS)}")
        self._decode = DECODERS[family]
        self._fit = Fit.of(record.input)
        self._columns = types_of(record.labels)
        self.types = tuple(kind for kind in OBJECT_TYPES if kind in self._columns)
        if not self.types:
            raise ModelError(
                f"no label of {record.name!r} is one of {', '.join(OBJECT_TYPES)}; import it with --labels"
            )
        self._record = record
        self._runtime = runtime

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return opened(self._record.verified_weights(), self._record.name, self._runtime, self._record.beside)

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the picture the graph sees."""
        return self._fit.shape(height, width)

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> Decoded:
        """Return boxes (N, K, 4) in still pixels, and scores (N, K, T), of the best rows of N stills ``(H, W, 3)``."""
        height, width = images[0].shape[:2]
        size = self._fit.shape(height, width)
        dtype = np.uint8 if self._record.input["dtype"] == "uint8" else np.float32
        pictures = normalised(self._fit.pictures(images, dtype), self._record.input)
        if self._record.input["dtype"] == "float16":
            pictures = pictures.astype(np.float16)
        step = self._batch(len(images))
        parts = [self._part(pictures[start : start + step], size) for start in range(0, len(images), step)]
        boxes, scores = _stacked(parts)
        return self._fit.back(boxes, height, width), scores

    def _batch(self, count: int) -> int:
        fixed = self._session.get_inputs()[0].shape[0]
        return fixed if isinstance(fixed, int) else count

    def _part(self, pictures: NDArray[Any], size: tuple[int, int]) -> Decoded:
        count, wanted = len(pictures), self._batch(len(pictures))
        if count < wanted:  # a graph made for so many pictures at once takes no fewer
            pictures = np.concatenate([pictures, np.zeros((wanted - count, *pictures.shape[1:]), pictures.dtype)])
        boxes, scores = self._decode(self._run(pictures, size), size, len(self._columns))
        ours = [scores[..., self._columns == kind].max(axis=-1) for kind in self.types]
        return _padded(*_best(boxes[:count], np.stack(ours, axis=-1)[:count]), count)

    def _run(self, pictures: NDArray[Any], size: tuple[int, int]) -> Mapping[str, NDArray[Any]]:
        """Run once; a second input, where there is one, takes width and height."""
        first, *others = self._session.get_inputs()
        extent = np.tile(np.array(size[::-1], np.int64), (len(pictures), 1))
        names = [output.name for output in self._session.get_outputs()]
        try:
            values = self._session.run(None, {first.name: pictures, **{other.name: extent for other in others}})
        except refusals() as error:
            raise ModelError(f"{self._record.name!r} cannot be run on {size[1]}x{size[0]} pictures: {error}") from error
        return dict(zip(names, values, strict=True))


def _best(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> Decoded:
    """Keep the rows with the highest scores, as many as can matter."""
    if boxes.shape[1] <= _MOST:
        return boxes, scores
    top = np.argpartition(-scores.max(axis=-1), _MOST, axis=-1)[:, :_MOST]
    return np.take_along_axis(boxes, top[..., None], axis=1), np.take_along_axis(scores, top[..., None], axis=1)


def _padded(boxes: NDArray[np.float32], scores: NDArray[np.float32], count: int) -> Decoded:
    """Add empty stills: a graph that lists what it found says nothing of stills without anything."""
    missing = count - len(boxes)
    return np.pad(boxes, ((0, missing), (0, 0), (0, 0))), np.pad(scores, ((0, missing), (0, 0), (0, 0)))


def _stacked(parts: Sequence[Decoded]) -> Decoded:
    """Join batches that may list different numbers of boxes."""
    most = max(boxes.shape[1] for boxes, _ in parts)
    grown = [[np.pad(array, ((0, 0), (0, most - array.shape[1]), (0, 0))) for array in pair] for pair in parts]
    boxes, scores = (np.concatenate(column) for column in zip(*grown, strict=True))
    return boxes, scores
