from dataclasses import replace

import numpy as np
import pytest

from cctview.matching import match
from cctview.network import CameraNetwork
from cctview.testing import roads
from cctview.tracking import track
from cctview.types import Tracklets

MINUTE = 60.0


@pytest.fixture(scope="module")
def scene() -> tuple[Tracklets, CameraNetwork]:
    seen = roads.drive(roads.Scenery(cameras=("c1", "c2"), seconds=300))
    return track(seen.detections, seen.embeddings), seen.network


def told(network: CameraNetwork, camera: str, clock_s: float) -> CameraNetwork:
    """The network that knows how wrong a clock is."""
    cameras = network.cameras
    return replace(network, cameras=cameras.replace(clock_s=np.where(cameras.id == camera, clock_s, 0.0)))


def sure(tracklets: Tracklets, network: CameraNetwork, origin: str) -> int:
    found = match(tracklets, network)
    return int(
        np.count_nonzero((found.probability.values > 0.5) & (found.query_camera[found.candidates.row] == origin))
    )


def test_a_clock_a_minute_behind_hides_vehicles_until_it_is_told(scene: tuple[Tracklets, CameraNetwork]) -> None:
    tracklets, network = scene
    wrong = told(network, "c2", -MINUTE).on_one_clock(tracklets)
    known = told(network, "c2", MINUTE)
    assert sure(tracklets, network, "c1") > 50
    assert sure(wrong, network, "c1") < 5
    assert match(known.on_one_clock(wrong), known) == match(tracklets, network)


def test_a_clock_some_seconds_ahead_is_taken_in_by_the_travel_time(scene: tuple[Tracklets, CameraNetwork]) -> None:
    tracklets, network = scene
    wrong = told(network, "c2", 7.0).on_one_clock(tracklets)
    assert sure(wrong, network, "c1") == pytest.approx(sure(tracklets, network, "c1"), rel=0.1)
