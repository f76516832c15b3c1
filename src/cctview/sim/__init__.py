"""Simulated traffic with ground truth: a world, cameras over it, and the stills they send."""

from cctview.sim.settings import SimSettings, parse_spec, setting
from cctview.sim.sightings import Sightings, asked
from cctview.sim.simulation import Simulation, simulate
from cctview.sim.studio import SimFrame
from cctview.sim.tables import TruthTables, sightings_of, truth_tables
from cctview.sim.truth import write_stills

__all__ = [
    "Sightings",
    "SimFrame",
    "SimSettings",
    "Simulation",
    "TruthTables",
    "asked",
    "parse_spec",
    "setting",
    "sightings_of",
    "simulate",
    "truth_tables",
    "write_stills",
]
