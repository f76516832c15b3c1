from dataclasses import replace

import numpy as np
import pytest
from scenes import PRIORS, sightings

from cctview.tracking.turns import _divergence, turns


def views(share, seed=1):
    """300 vehicles seen 4 s apart in one corner, then 300 of which a share is in another corner."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(20, 160, 600), rng.uniform(60, 220, 600)
    x[(np.arange(600) >= 300) & (rng.random(600) < share)] += 180
    x[0], y[0] = 340, 239
    return sightings(np.column_stack([x - 8, y - 16, x + 8, y]), np.arange(600), second=4.0)


def test_a_turned_camera_is_found_where_it_turned():
    (found,) = turns(views(1.0), PRIORS)
    assert abs(found - 300) <= 10


def test_how_much_must_change():
    assert len(turns(views(0.0), PRIORS)) == 0
    assert len(turns(views(0.6), PRIORS)) == 1
    assert len(turns(views(0.6), replace(PRIORS, turn_divergence=0.45))) == 0


def test_the_divergence_is_in_bits():
    left, right = np.zeros((2, 1, int(np.prod(PRIORS.turn_grid))), np.int64)
    left[0, 0], right[0, -1] = 10, 10
    assert _divergence(left, right, PRIORS) == pytest.approx([1.0])
    assert _divergence(left, 3 * left, PRIORS) == pytest.approx([0.0])


def test_a_car_that_parks_is_no_turn():
    """From the middle on, a car stands where none had been: it counts once, not once a still."""
    rng = np.random.default_rng(7)
    stills, boxes = [], []
    for still in range(500):
        x, y = rng.uniform(0, 300), rng.uniform(100, 200)
        stills.append(still)
        boxes.append([x, y, x + 30, y + 30])
        if still >= 250:
            stills.append(still)
            boxes.append([320, 20, 345, 40])
    seen = sightings(boxes, stills, second=3.0)
    assert turns(seen, PRIORS).tolist() == []
    assert len(turns(seen, replace(PRIORS, turn_stays=1.0))) == 1


def test_a_turn_is_not_seen_in_few_vehicles():
    few = PRIORS.turn_after // 2
    assert turns(views(1.0).rows(slice(300 - few, 300 + few)), PRIORS).tolist() == []
