"""Small hand-made scenes for the tests of the tracker's rooms."""

from dataclasses import replace

import numpy as np

from cctview.testing import roads
from cctview.tracking.priors import TrackPriors
from cctview.tracking.scene import Lens, lens_of, scene_of
from cctview.tracking.sightings import Sightings
from cctview.types import Detections, Embeddings

PRIORS = TrackPriors()


def sightings(boxes, stills, vectors=None, second=1.0):
    """Sightings with one row per box; rows of one still number share a still, a second apart."""
    boxes, stills = np.array(boxes, np.float32).reshape(-1, 4), np.array(stills, np.int64)
    vector = np.tile(np.float32([1, 0]), (len(boxes), 1)) if vectors is None else np.array(vectors, np.float32)
    return Sightings(
        id=np.arange(1, len(boxes) + 1),
        frame=stills + 100,
        time=(stills * second * 1e9).astype(np.int64),
        box=boxes,
        vector=vector,
    )


def on_road(away, aside, tall_m=1.5, focal=350.0, rise=7.0, horizon=60.0):
    """Boxes of cars on a flat road before a pinhole camera: metres away and aside (N,) to (N, 4)."""
    away, aside = np.broadcast_arrays(np.asarray(away, float), np.asarray(aside, float))
    foot, tall, half = horizon + focal * rise / away, focal * tall_m / away, focal * 0.9 / away
    x = 176 + focal * aside / away
    return np.column_stack([x - half, foot - tall, x + half, foot])


def some_road(count=400, seed=1):
    """Boxes of many cars in two lanes."""
    rng = np.random.default_rng(seed)
    return on_road(rng.uniform(12, 90, count), rng.choice([-2.0, 2.0], count) + rng.normal(0, 0.1, count))


def a_lens(count=400) -> Lens:
    """The lens of that road."""
    return lens_of(sightings(some_road(count), np.arange(count)), PRIORS)


def a_scene(boxes, stills, vectors=None):
    """A scene of these boxes seen through the lens of that road; looks of other than two components are as given."""
    seen, lens = sightings(boxes, stills, vectors), a_lens()
    if seen.vector.shape[1] != len(lens.mean):
        lens = replace(lens, mean=np.zeros(seen.vector.shape[1]))
    return scene_of(seen, lens, PRIORS)


def tables(boxes, frames, *, scores=None, vectors=None, kinds=None):
    """Detections and embeddings of one camera, one row per box; rows of one frame number share a still."""
    count = len(boxes)
    frames = np.array(frames)
    detections = Detections(
        id=np.arange(1, count + 1),
        frame=frames + 100,
        camera=np.full(count, "c1"),
        time=roads.START + frames * np.timedelta64(10**9, "ns"),
        rank=np.arange(1, count + 1, dtype=np.int32),
        box=np.array(boxes, np.float32),
        score=np.array(scores or [0.9] * count, np.float32),
        type=np.array(kinds or ["car"] * count),
    )
    vector = np.tile([1.0, 0.0], (count, 1)) if vectors is None else np.array(vectors)
    return detections, Embeddings(
        detection=detections.id, vector=vector.astype(np.float32), quality=np.full(count, 0.5, np.float32)
    )
