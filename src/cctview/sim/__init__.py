"""Simulated traffic with ground truth: a world, cameras over it, and the stills they send."""

from cctview.sim.settings import SimSettings, parse_spec, setting
from cctview.sim.sightings import Sightings, asked
from cctview.sim.simulation import Simulation, simulate
from cctview.sim.still import SimFrame
from cctview.sim.truth.folder import write_stills
from cctview.sim.truth.tables import TruthTables, sightings_of, truth_tables

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
