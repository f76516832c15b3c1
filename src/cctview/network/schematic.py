"""Where to draw cameras of which nobody said where they stand: a schematic road, its lengths those of the links."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, shortest_path

from cctview.network.cameras import CameraNetwork

__all__ = ["schematic_places"]

Floats = NDArray[np.floating[Any]]

_APART_M = 1000.0  # between roads that no link joins


def schematic_places(network: CameraNetwork) -> Floats:
    """Return metres to the right and up at which to draw each camera (N, 2), made from the lengths of links alone.

    Cameras along one road lie on a line in their order, a ring is round, and roads that no link joins lie one above the
    other. It is no map: what is left and what is up means nothing. By classical scaling of the distances along the
    shortest paths (Torgerson 1952).
    """
    names = network.cameras.id.tolist()
    ends = np.array([(names.index(link.origin), names.index(link.target)) for link in network.links], np.intp)
    ends = ends.reshape(-1, 2)
    metres = np.maximum(np.array([link.metres for link in network.links], np.float64), 1.0)
    order = np.argsort(-metres, kind="stable")  # of two ways between two cameras the shorter one is set last, and stays
    length = np.zeros((len(names), len(names)))
    for column in (ends, ends[:, ::-1]):
        length[tuple(column[order].T)] = metres[order]
    graph = csr_array(length)
    apart = shortest_path(graph, directed=False)
    count, road = connected_components(graph, directed=False)
    places = np.zeros((len(names), 2))
    below = 0.0
    for number in range(count):
        mine = np.flatnonzero(road == number)
        drawn = _scaled(apart[np.ix_(mine, mine)])
        places[mine] = drawn - [drawn[:, 0].min(), drawn[:, 1].max() + below]
        below += float(np.ptp(drawn[:, 1])) + _APART_M
    return places


def _scaled(apart: Floats) -> Floats:
    """Return points (N, 2) whose distances are about those given (N, N); the first one lies left of the middle."""
    centre = np.eye(len(apart)) - 1.0 / len(apart)
    value, vector = np.linalg.eigh(-centre @ apart**2 @ centre / 2)
    best = vector[:, ::-1][:, :2] * np.sqrt(np.maximum(value[::-1][:2], 0.0))
    points = np.zeros((len(apart), 2))
    points[:, : best.shape[1]] = best
    return points * np.where(points[0] > 0, -1.0, 1.0)
