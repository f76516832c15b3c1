"""Run the reference implementations on small random cases and keep their numbers for our tests.

    python -m pip install 'trackeval==1.3.0' 'scikit-learn>=1.5' && python -m pip install --no-deps 'torchreid==0.2.5'
    python benchmarks/parity.py tests/goldens

Writes tracking.json (TrackEval: HOTA, CLEAR, Identity, per sequence and combined), ranking.json
(torchreid: CMC, mAP, k-reciprocal re-ranking) and sparse.json (scikit-learn: sparse coding). The
references are not needed to run the tests, only to make these files anew.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import SparseCoder
from trackeval.metrics import CLEAR, HOTA, Identity

SEED = 20200505


def crowd(rng: np.random.Generator, frames: int, vehicles: int) -> dict[str, Any]:
    """Return true and found boxes with misses, false boxes, switches, gaps and empty frames."""
    begin = rng.uniform(0, 200, (vehicles, 2))
    step = rng.normal(0, 6, (vehicles, 2))
    extent = rng.uniform(15, 60, (vehicles, 2))
    alive = rng.integers(0, frames, (vehicles, 2))
    truth, found = [], []
    name = np.arange(vehicles) + 1000
    for frame in range(frames):
        if frame in {3, frames - 2}:
            continue
        here = np.flatnonzero((alive.min(1) <= frame) & (frame <= alive.max(1)))
        corner = begin[here] + frame * step[here]
        box = np.concatenate([corner, corner + extent[here]], axis=1).round(1)
        swap = rng.random(vehicles) < 0.06
        name = np.where(swap, rng.permutation(name) + 100 * swap, name)
        truth += [[frame, int(v), *row] for v, row in zip(here, box.tolist(), strict=True)] if frame != 7 else []
        kept = here[rng.random(len(here)) < 0.85]
        moved = box[np.isin(here, kept)] + rng.normal(0, 3, (len(kept), 4)).round(1)
        seen: set[int] = set()
        for v, row in zip(kept, moved.tolist(), strict=True):
            if int(name[v]) not in seen and frame != 9:
                found.append([frame, int(name[v]), *np.round(row, 1).tolist()])
                seen.add(int(name[v]))
        for n in range(rng.poisson(0.7)):
            low = rng.uniform(0, 200, 2).round(1)
            found.append(
                [frame, 9000 + 10 * frame + n, *low.tolist(), *(low + rng.uniform(15, 50, 2)).round(1).tolist()]
            )
    return {"truth": truth, "found": found}


def snapped(case: dict[str, Any]) -> dict[str, Any]:
    """Return the case with equal boxes on a coarse grid, where many overlaps are equal, and equal to a threshold."""
    rows = {side: np.array(case[side]) for side in ("truth", "found")}
    for table in rows.values():
        table[:, 2:4] = np.round(table[:, 2:4] / 10) * 10
        table[:, 4:] = table[:, 2:4] + 30
    return {side: [[int(value) for value in row] for row in table] for side, table in rows.items()}


def trackeval_input(case: dict[str, Any]) -> dict[str, Any]:
    """Return a case in the form TrackEval's metrics take."""
    truth, found = (np.array(case[side]).reshape(-1, 6) for side in ("truth", "found"))
    frames = np.union1d(truth[:, 0], found[:, 0])
    names = [np.unique(rows[:, 1]) for rows in (truth, found)]
    data: dict[str, Any] = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    for frame in frames:
        t, f = (rows[rows[:, 0] == frame] for rows in (truth, found))
        data["gt_ids"].append(np.searchsorted(names[0], t[:, 1]))
        data["tracker_ids"].append(np.searchsorted(names[1], f[:, 1]))
        low = np.maximum(t[:, None, 2:4], f[None, :, 2:4])
        high = np.minimum(t[:, None, 4:], f[None, :, 4:])
        shared = np.prod(np.maximum(high - low, 0), axis=2)
        areas = [np.prod(rows[:, 4:] - rows[:, 2:4], axis=1) for rows in (t, f)]
        data["similarity_scores"].append(shared / (areas[0][:, None] + areas[1][None] - shared))
    return {
        **data,
        "num_timesteps": len(frames),
        "num_gt_dets": len(truth),
        "num_tracker_dets": len(found),
        "num_gt_ids": len(names[0]),
        "num_tracker_ids": len(names[1]),
    }


def tracking() -> dict[str, Any]:
    """Return sequences with TrackEval's scores of each and of all."""
    rng = np.random.default_rng(SEED)
    cases = [crowd(rng, *size) for size in ((20, 4), (30, 9), (12, 15), (40, 6))]
    cases += [{**cases[0], "found": []}, {**cases[0], "truth": []}, {"truth": [], "found": []}]
    cases += [snapped(case) for case in cases[:4]]
    metrics = [HOTA(), CLEAR({"PRINT_CONFIG": False}), Identity({"PRINT_CONFIG": False})]
    results = [[metric.eval_sequence(trackeval_input(case)) for metric in metrics] for case in cases]
    combined = [
        metric.combine_sequences(dict(enumerate(column)))
        for metric, column in zip(metrics, zip(*results, strict=True), strict=True)
    ]
    wanted = ("HOTA", "DetA", "AssA", "DetRe", "DetPr", "AssRe", "AssPr", "LocA",
              "MOTA", "MOTP", "IDSW", "Frag", "MT", "PT", "ML", "IDF1", "IDP", "IDR")  # fmt: skip

    def scores(families: Any) -> dict[str, float]:
        merged = {key: value for family in families for key, value in family.items()}
        return {key: float(np.mean(merged[key])) for key in wanted if key in merged}

    for case, families in zip(cases, results, strict=True):
        case["scores"] = scores(families)
    return {"reference": version("trackeval"), "sequences": cases, "combined": scores(combined)}


def torchreid_part(name: str) -> Any:
    """Return one pure NumPy module of torchreid without importing the rest, which needs torch."""
    files = importlib.metadata.distribution("torchreid").files or []
    path = next(file.locate() for file in files if str(file).endswith(name))
    spec = importlib.util.spec_from_file_location("reference", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def odd_ranking(rng: np.random.Generator, score: Any, size: tuple[int, int]) -> dict[str, Any]:
    """Return a case with equal distances and vehicles that are not in the gallery.

    The reference leaves the order of equal distances to its sort; it is given them in the gallery's order.
    """
    queries, gallery = size
    distance = rng.integers(0, 4, size) / 4
    identity = rng.integers(0, 4, queries + gallery)
    camera = rng.integers(0, 2, queries + gallery)
    identity[0], camera[0] = 0, 0
    identity[queries], camera[queries] = 0, 1  # one query at least can be answered
    apart = distance + np.arange(gallery) / (100 * gallery)
    ranks = min(gallery, 5)  # the reference fails where fewer crops than that are left of a gallery
    cmc, mean = score(apart, identity[:queries], identity[queries:], camera[:queries], camera[queries:], ranks)
    return {
        "distance": distance.tolist(),
        "identity": identity.tolist(),
        "camera": camera.tolist(),
        "cmc": cmc.tolist(),
        "mAP": float(mean),
    }


def ranking() -> dict[str, Any]:
    """Return distances and identities with torchreid's CMC, mAP and re-ranked distances."""
    rng = np.random.default_rng(SEED)
    queries, gallery = 12, 40
    vectors = rng.normal(size=(queries + gallery, 6)).round(3)
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    distance = apart[:queries, queries:]
    identity, camera = rng.integers(0, 9, queries + gallery), rng.integers(0, 3, queries + gallery)
    rank = torchreid_part("metrics/rank.py")
    cmc, mean = rank.eval_market1501(
        distance, identity[:queries], identity[queries:], camera[:queries], camera[queries:], 20
    )
    rerank = torchreid_part("utils/rerank.py")
    moved = {
        f"{k1},{k2},{share}": rerank.re_ranking(
            distance, apart[:queries, :queries], apart[queries:, queries:], k1=k1, k2=k2, lambda_value=share
        ).tolist()
        for k1, k2, share in ((20, 6, 0.3), (6, 1, 0.0), (4, 3, 0.5))
    }
    return {
        "reference": version("torchreid"),
        "odd": [odd_ranking(rng, rank.eval_market1501, size) for size in ((6, 12), (9, 30), (5, 1), (20, 60))],
        "queries": queries,
        "vectors": vectors.tolist(),
        "identity": identity.tolist(),
        "camera": camera.tolist(),
        "cmc": cmc.tolist(),
        "mAP": float(mean),
        "reranked": moved,
    }


def sparse() -> dict[str, Any]:
    """Return tracks with the residual of each query image's sparse reconstruction by scikit-learn."""
    rng = np.random.default_rng(SEED)
    cases = []
    for images, width, scale, tightness in ((1, 8, 3, 0.5), (4, 16, 3, 0.3), (9, 24, 2, 0.1), (6, 64, 5, 0.05)):
        middle = scale * np.abs(rng.normal(size=width))
        track = np.abs(middle + tightness * scale * rng.normal(size=(images, width))).round(4)
        near = np.abs(middle + tightness * scale * rng.normal(size=(3, width)))
        query = np.concatenate([near, scale * np.abs(rng.normal(size=(2, width))), track[:1]]).round(4)
        for alpha in (1.0, 0.1):
            coder = SparseCoder(
                track, transform_algorithm="lasso_lars", transform_alpha=alpha, transform_max_iter=100000
            )
            weight = coder.transform(query)
            residual = np.linalg.norm(query - weight @ track, axis=1)
            cases.append(
                {"track": track.tolist(), "query": query.tolist(), "alpha": alpha, "residual": residual.tolist()}
            )
    return {"reference": version("scikit-learn"), "cases": cases}


def version(package: str) -> str:
    """Return a package's name and version."""
    return f"{package} {importlib.metadata.version(package)}"


def main() -> None:
    """Write the three files into the folder named on the command line."""
    folder = Path(sys.argv[1])
    for make in (tracking, ranking, sparse):
        text = json.dumps(make(), separators=(",", ":"))
        (folder / f"{make.__name__}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
