"""One short simulation, shared by the tests that only read it."""

from __future__ import annotations

import pytest

from cctview.sim import SimFrame, SimSettings, Simulation, simulate


@pytest.fixture(scope="session")
def settings() -> SimSettings:
    return SimSettings(minutes=0.35, cameras=2, seed=5)


@pytest.fixture(scope="session")
def simulation(settings: SimSettings) -> Simulation:
    return simulate(settings)


@pytest.fixture(scope="session")
def stills(simulation: Simulation) -> list[SimFrame]:
    return list(simulation.frames())
