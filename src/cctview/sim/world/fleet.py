"""The kinds of vehicles on the roads, and what detectors call them."""

from __future__ import annotations

import numpy as np

__all__ = ["KINDS", "KIND_SIZE", "PERSON", "TYPES"]

KINDS = np.array(["sedan", "suv", "hatch", "taxi", "truck", "bus", "van", "motorcycle"])
PERSON = len(KINDS)
TYPES = np.array(["car", "car", "car", "car", "truck", "bus", "car", "motorcycle", "person"])  # KINDS, then PERSON
KIND_SIZE = np.array(  # usual width and height in metres, by row of KINDS
    [(1.84, 1.45), (1.94, 1.74), (1.82, 1.50), (1.88, 1.62), (2.36, 3.3), (2.54, 3.1), (1.96, 2.0), (0.8, 1.6)]
)
