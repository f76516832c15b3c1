"""Simulated traffic with ground truth: a world, cameras over it, and the stills they send."""

from cctview.sim.settings import SimSettings
from cctview.sim.simulation import SimFrame, Simulation, simulate
from cctview.sim.truth import write_stills

__all__ = ["SimFrame", "SimSettings", "Simulation", "simulate", "write_stills"]
