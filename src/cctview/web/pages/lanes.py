"""Learnt lanes drawn over a still, for whoever wants to check them, and what their colours mean."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cctview.svg.markup import Markup, tag
from cctview.types import Lanes

__all__ = ["lane_layer", "lane_legend"]

_WAYS = {"towards": "towards the camera", "away": "away from it", "across": "across the view"}
_LINE, _HALO, _HEAD = 1 / 170, 1 / 90, 1 / 45
_HEAD_SHAPE = np.array([[1.0, 0.0], [-0.5, 0.55], [-0.5, -0.55]])


def lane_layer(lanes: Lanes, width: int, height: int) -> Markup:
    """Return the lanes of one camera as lines with an arrow each, over a still of this size."""
    lines = [
        tag(
            "g",
            tag("title", told),
            tag("path", d=path, stroke_width=width * _HALO, class_="halo"),
            tag("path", d=path, stroke_width=width * _LINE),
            tag("polygon", points=head),
            class_=way,
        )
        for way, told, path, head in zip(
            lanes.heading.tolist(), _told(lanes), _paths(lanes), _heads(lanes, width * _HEAD), strict=True
        )
    ]
    name = f"{len(lanes)} lanes, learnt from the vehicles that took them"
    return tag("svg", lines, viewBox=f"0 0 {width} {height}", class_="lanes", role="img", aria_label=name)


def lane_legend(lanes: Lanes) -> Markup:
    """Return which colour goes which way, with how many lanes and vehicles."""
    entries = [
        tag("li", tag("i", class_=way), f"{_counted(int(mine.sum()), 'lane')} {told}, ", _vehicles(lanes[mine]))
        for way, told in _WAYS.items()
        if (mine := lanes.heading == way).any()
    ]
    none = "No lane is clear yet: that takes some vehicles that were seen to move along it."
    return tag("ul", entries, class_="legend") if entries else tag("p", none, class_="soft")


def _vehicles(lanes: Lanes) -> str:
    return _counted(len(lanes.members.values), "vehicle")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _told(lanes: Lanes) -> list[str]:
    """Return what there is to say about each lane."""
    facts = zip(lanes.heading.tolist(), lanes.members.lengths.tolist(), _seconds(lanes).tolist(), strict=True)
    return [
        f"Lane {number}, {_WAYS.get(way, way)}: {_counted(vehicles, 'vehicle')}, {seconds:.0f} s along it"
        for number, (way, vehicles, seconds) in enumerate(facts, 1)
    ]


def _seconds(lanes: Lanes) -> NDArray[np.floating]:
    """Return how long a vehicle usually takes along each lane."""
    steps = np.hypot(np.diff(lanes.x.values), np.diff(lanes.y.values))
    inside = np.diff(lanes.x.row) == 0
    return np.bincount(lanes.x.row[1:][inside], steps[inside], len(lanes)) / lanes.speed


def _paths(lanes: Lanes) -> list[str]:
    """Return the lines as SVG paths."""
    points = [f"{x:.1f} {y:.1f}" for x, y in zip(lanes.x.values.tolist(), lanes.y.values.tolist(), strict=True)]
    return ["M" + "L".join(points[a:b]) for a, b in pairwise(lanes.x.offsets.tolist())]


def _heads(lanes: Lanes, size: float) -> list[str]:
    """Return the points of an arrow's head on each line, in its middle, for far ends lie close together."""
    here = (lanes.x.offsets[:-1] + lanes.x.offsets[1:]) // 2
    point = np.stack([lanes.x.values, lanes.y.values], axis=1).astype(np.float64)
    ahead = point[here] - point[here - 1]
    ahead /= np.maximum(np.hypot(*ahead.T), 1e-6)[:, None]
    turn = np.stack([ahead, np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)], axis=1)
    heads = point[here][:, None] + size * (_HEAD_SHAPE @ turn)
    return [" ".join(f"{x:.1f},{y:.1f}" for x, y in head) for head in heads.tolist()]
