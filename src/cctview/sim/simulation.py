"""A simulated world as a source of stills: who is where, seen by which camera, when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cctview.network import CameraNetwork
from cctview.sim.drawing.lighting import lighting
from cctview.sim.observing import observed
from cctview.sim.plan import Plan
from cctview.sim.settings import SimSettings
from cctview.sim.sightings import Sightings
from cctview.sim.still import SimFrame
from cctview.sim.studio import Studio
from cctview.sim.world.arrivals import STEP_S, flow
from cctview.sim.world.traffic import Traffic

__all__ = ["Simulation", "simulate"]


@dataclass(frozen=True)
class Simulation:
    """The telling of a plan; every call of ``frames`` tells the same story from the start."""

    plan: Plan

    def frames(self) -> Iterator[SimFrame]:
        """Yield every still of every camera in the order in which they are sent."""
        plan = self.plan
        studio = Studio(plan, lighting(plan.settings.light, plan.settings.weather, plan.rng("light")))
        table, moments = plan.timetable, self.traffic()
        traffic = next(moments)
        for row, at in enumerate(table.at.tolist()):
            while traffic.time + STEP_S <= at:
                traffic = next(moments)
            yield studio.still(row, traffic)

    def traffic(self) -> Iterator[Traffic]:
        """Yield the traffic of the whole world every ``STEP_S`` seconds, for ever."""
        plan = self.plan
        if plan.recorded is not None:
            return plan.recorded.flow()
        return flow(plan.layout, plan.settings.traffic, plan.rng("traffic"))

    def sightings(self) -> Sightings:
        """Return what all cameras see without drawing a still, boxes from the vehicles' bounding cuboids.

        Hours of traffic take seconds. What stands beside the road hides nothing here.
        """
        return observed(self.plan, self.traffic())


def simulate(settings: SimSettings | None = None, network: CameraNetwork | None = None) -> Simulation:
    """Return the simulation of these settings; nothing is drawn before ``frames`` is read.

    With a camera network, its cameras and links are the world and ``settings.world``, ``cameras`` and
    ``spacing_m`` do not matter.
    """
    return Simulation(Plan(settings or SimSettings(), network))
