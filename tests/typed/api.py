"""Uses of the public face as a type checker sees them: read by mypy, run by nobody.

``assert_type`` fails the check when a name of the root no longer has the type it promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import cctview


def tables(detections: cctview.Detections, tracklets: cctview.Tracklets, chosen: NDArray[np.bool_]) -> None:
    assert_type(detections[chosen], cctview.Detections)
    assert_type(cctview.Detections.concat([detections, detections]), cctview.Detections)
    assert_type(tracklets.sort("camera", "first_time"), cctview.Tracklets)
    assert_type(len(detections), int)
    assert_type(cctview.__version__, str)


def stages(
    detections: cctview.Detections, embeddings: cctview.Embeddings, network: cctview.CameraNetwork
) -> cctview.Journeys:
    tracklets = cctview.track(detections, embeddings)
    assert_type(tracklets, cctview.Tracklets)
    matches = cctview.match(tracklets, network)
    assert_type(matches, cctview.Matches)
    journeys = cctview.chain(matches, tracklets, network)
    assert_type(journeys, cctview.Journeys)
    return journeys


def simulated() -> None:
    simulation = cctview.simulate(cctview.SimSettings(minutes=1, light="night"))
    assert_type(simulation, cctview.Simulation)
    assert_type(simulation.plan.network, cctview.CameraNetwork)
    for frame in simulation.frames():
        assert_type(frame.image, NDArray[np.uint8])


def files(folder: Path) -> None:
    source: cctview.Source = cctview.open_source(folder)
    store: cctview.Store = cctview.open_store(folder)
    detector: cctview.Detector = cctview.load_detector()
    embedder: cctview.Embedder = cctview.load_embedder()
    assert_type(cctview.load_network(folder / "cameras.toml"), cctview.CameraNetwork)
    assert_type(cctview.Policy.default("why"), cctview.Policy)
    assert_type(source.live, bool)
    assert_type(store.network, cctview.CameraNetwork | None)
    assert_type(detector.producer, str)
    assert_type(embedder(np.zeros((1, 8, 8, 3), np.uint8)), NDArray[np.float32])


def seams() -> None:
    trackers: list[cctview.Tracker[Any]] = [cctview.RoadTracker()]
    matchers: list[cctview.Matcher] = [cctview.BeliefMatcher(), cctview.NearestMatcher()]
    assert_type(trackers[0].meta, Mapping[str, str])
    assert_type(matchers[0].meta, Mapping[str, str])


def errors(error: cctview.CctviewError) -> str:
    if isinstance(error, cctview.StoreError):
        assert_type(error, cctview.StoreError)
    return str(error)
