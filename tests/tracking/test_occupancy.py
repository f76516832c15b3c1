import numpy as np
import pytest

from cctview.tracking import TrackPriors
from cctview.tracking.occupancy import places_of

PRIORS = TrackPriors()


def road(count, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(-50, 50, count), rng.choice([-3.0, 3.0], count) + rng.normal(0, 0.3, count)])


def test_an_occupancy_adds_up_to_one_vehicle():
    spot = road(3000)
    occupancy = places_of(spot, PRIORS).occupancy(3000, PRIORS)
    axes = [np.linspace(low, high, 400) for low, high in zip(occupancy.low, occupancy.high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    area = np.prod((occupancy.high - occupancy.low) / 399)
    assert np.exp(occupancy.at(grid)).sum() * area == pytest.approx(1, abs=0.02)


def test_lanes_are_denser_than_what_is_between_and_beside():
    occupancy = places_of(road(3000), PRIORS).occupancy(3000, PRIORS)
    lane, between = occupancy.at(np.array([[0.0, 3.0], [0.0, 0.0]]))
    assert lane > between + 1
    assert occupancy.at(np.array([1e6, 1e6])) == occupancy.at(occupancy.high)


def test_what_stands_for_long_does_not_make_its_place_usual():
    parked = np.concatenate([road(30), np.tile([[10.0, 3.0]], (300, 1))])
    places = places_of(parked, PRIORS)
    here, usual = np.array([10.0, 3.0]), np.array([-10.0, 3.0])
    few, many = (places.occupancy(vehicles, PRIORS) for vehicles in (31, len(parked)))
    assert few.at(here) - few.at(usual) <= many.at(here) - many.at(usual)
    assert few.at(here) < np.log(1 / 20)


def test_one_sighting_has_an_occupancy():
    occupancy = places_of(np.zeros((1, 2)), PRIORS).occupancy(0.5, PRIORS)
    assert np.isfinite(occupancy.at(np.zeros(2)))
    assert occupancy.at(np.zeros(2)) > occupancy.at(np.array([9.0, 2.0]))
