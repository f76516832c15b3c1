"""Score an embedder on a VeRi folder: rank crops of the test by how near they are to each query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.embed.crops import whole
from cctview.errors import FrameError
from cctview.formats.veri import VeriImages, read_veri
from cctview.metrics.reid import count_reid
from cctview.reid.distances import cosine_distances
from cctview.reid.reranking import k_reciprocal
from cctview.seams import Embedder
from cctview.sources import decode

__all__ = ["evaluate_crops"]

_AT_ONCE = 256


def evaluate_crops(folder: Path, embedder: Embedder, *, rerank: bool = False) -> dict[str, Any]:
    """Return rank-1, rank-5, mAP and mINP, also after re-ranking where asked for.

    As usual on VeRi-776, crops of the query's own vehicle from its own camera count neither way.
    Crops that cannot be decoded are counted and named; re-ranking needs memory for (Q + T)² distances.
    """
    (queries, asked, odd), (gallery, given, more) = (_embedded(folder, part, embedder) for part in ("query", "test"))
    same = queries.vehicle[:, None] == gallery.vehicle
    own = same & (queries.camera[:, None] == gallery.camera)
    distance = cosine_distances(asked, given)
    scores: dict[str, Any] = {"queries": len(asked), "gallery": len(given), **count_reid(distance, same, own).scores()}
    if rerank:
        moved = k_reciprocal(distance, cosine_distances(asked, asked), cosine_distances(given, given))
        scores["re-ranked"] = count_reid(moved, same, own).scores()
    return {**scores, "skipped": [*queries.skipped, *gallery.skipped, *odd, *more]}


def _embedded(folder: Path, part: str, embedder: Embedder) -> tuple[VeriImages, NDArray[np.float32], list[str]]:
    """Return the crops of a part that can be decoded, their vectors (N, D), and why others cannot."""
    images = read_veri(folder, part)
    good, vectors, skipped = [], [], []
    for start in range(0, len(images.path), _AT_ONCE):
        crops = []
        for row in range(start, min(start + _AT_ONCE, len(images.path))):
            try:
                crops.append(
                    whole(decode(images.path[row].read_bytes(), images.path[row].name).image, embedder.cropping)
                )
                good.append(row)
            except (FrameError, OSError) as error:
                skipped.append(f"{part}: {error}")
        if crops:
            vectors.append(embedder(np.concatenate(crops)))
    if not vectors:
        raise FrameError(f"{folder}: no crop of {part} can be decoded; {skipped[0]}")
    rows = np.array(good)
    kept = VeriImages(
        path=tuple(images.path[row] for row in good),
        vehicle=images.vehicle[rows],
        camera=images.camera[rows],
        frame=images.frame[rows],
        skipped=images.skipped,
    )
    return kept, np.concatenate(vectors), skipped
