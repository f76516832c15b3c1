from __future__ import annotations

import numpy as np

from cctview.sim import Simulation


def test_a_single_road_has_the_river_on_its_right_hand(simulation: Simulation) -> None:
    shore, cameras = np.array(simulation.plan.network.shoreline), simulation.plan.network.cameras
    nearest = np.abs(shore[:, 0] - cameras.lat[:, None]).argmin(axis=1)
    assert (shore[nearest, 1] > cameras.lon).all()
