"""Features of tracks and rankings between them, in the JSON of the track-to-track method (arXiv 1910.09458).

In: ``{track: [[floats], ...]}``. Out: ``{"metric", "aggregation", "tracks": {query: {"class", "ranking":
{"1": {"id", "class", "distance"}, ...}}}}``. A track's class is its name before the first underscore.
"""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FormatError
from cctview.formats.files import read_json, write_text
from cctview.table import Ragged

__all__ = ["read_track_features", "write_ranking"]

_MOST_BYTES = 2_000_000_000


def read_track_features(path: Path) -> tuple[list[str], Ragged[np.float64]]:
    """Return the names of T tracks and the vectors of their images, rows of ``(D,)``.

    A track of one image may stand as one list of numbers. Raises FormatError naming the first track
    without images, with a vector of another length, or with something that is no number.
    """
    tracks = {name: _images(value) for name, value in read_json(path, most_bytes=_MOST_BYTES).items()}
    if not tracks:
        raise FormatError(f"{path}: holds no track; expected {{track: [[numbers], ...]}}")
    width = next((len(image) for image in chain.from_iterable(tracks.values()) if isinstance(image, list)), 0)
    for name, images in tracks.items():
        _check(f"{path}: track {name!r}", images, width)
    vectors = np.array(list(chain.from_iterable(tracks.values())), np.float64)
    return list(tracks), Ragged.from_lengths(vectors, [len(images) for images in tracks.values()])


def write_ranking(
    path: Path,
    queries: list[str],
    gallery: list[str],
    distance: NDArray[np.floating[Any]],
    *,
    metric: str,
    aggregation: str,
) -> None:
    """Write the gallery tracks of each query from near to far: ``distance`` (Q, T); ties go by name."""
    names = np.array(gallery, np.str_)
    order = np.lexsort((np.broadcast_to(np.argsort(np.argsort(names)), distance.shape), distance), axis=1)
    tracks = {
        query: {"class": _class(query), "ranking": _ranked(gallery, row.tolist(), near.tolist())}
        for query, row, near in zip(queries, order, np.take_along_axis(distance, order, axis=1), strict=True)
    }
    write_text(path, json.dumps({"metric": metric, "aggregation": aggregation, "tracks": tracks}) + "\n")


def _ranked(gallery: list[str], order: list[int], distance: list[float]) -> dict[str, Any]:
    return {
        str(rank): {"id": gallery[place], "class": _class(gallery[place]), "distance": apart}
        for rank, (place, apart) in enumerate(zip(order, distance, strict=True), start=1)
    }


def _class(track: str) -> str:
    return track.split("_", maxsplit=1)[0]


def _images(value: Any) -> Any:
    """Return a list of vectors; a bare vector is a track of one image."""
    return [value] if isinstance(value, list) and value and not isinstance(value[0], list) else value


def _check(where: str, images: Any, width: int) -> None:
    if not isinstance(images, list) or not images:
        raise FormatError(f"{where} has no images; expected a list of vectors")
    for number, image in enumerate(images):
        if not isinstance(image, list) or len(image) != width or not width:
            found = f"{len(image)} numbers" if isinstance(image, list) else type(image).__name__
            raise FormatError(f"{where}, image {number}: expected {width} numbers as in the first track, got {found}")
        if not all(type(entry) in {float, int} for entry in image):
            raise FormatError(f"{where}, image {number}: holds something that is no number")
