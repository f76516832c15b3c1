"""Journeys as GeoJSON (RFC 7946): a line each, with time, place and speed of every point."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from cctview.errors import TableError
from cctview.formats.files import replacing
from cctview.formats.tabular import hex_ids
from cctview.naming import zone
from cctview.types import Journeys, Tracklets, rows_of

__all__ = ["write_journeys"]


def write_journeys(path: Path, journeys: Journeys, tracklets: Tracklets, timezone: str = "UTC") -> int:
    """Write the journeys and return how many; raise TableError when a member is not among ``tracklets``.

    Times are ISO 8601 with the offset of ``timezone``, speeds m/s from the point before.
    """
    members = journeys.members.values
    if not np.isin(members, tracklets.id).all():
        raise TableError("a journey has a member that is not among the tracklets; take both from one store")
    cameras = tracklets.camera[rows_of(tracklets.id, members)].tolist()
    place = zone(timezone)
    stamps = journeys.time.values.astype("datetime64[us]").tolist()
    times = [stamp.replace(tzinfo=zone("UTC")).astimezone(place).isoformat() for stamp in stamps]
    points = np.column_stack([journeys.lon.values, journeys.lat.values]).tolist()
    speeds = [round(speed, 2) for speed in journeys.speed.values.tolist()]
    columns = {"cameras": cameras, "tracklets": hex_ids(members).tolist(), "times": times, "speeds": speeds}
    names, chance = hex_ids(journeys.id).tolist(), journeys.probability.tolist()
    ends = journeys.members.offsets.tolist()
    features = [
        _feature(names[n], points[ends[n] : ends[n + 1]], chance[n], _part(columns, ends[n], ends[n + 1]))
        for n in range(len(journeys))
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, allow_nan=False)
    with replacing(path) as written:
        written.write_text(text + "\n", encoding="utf-8")
    return len(features)


def _part(columns: dict[str, list[Any]], begin: int, end: int) -> dict[str, list[Any]]:
    return {name: values[begin:end] for name, values in columns.items()}


def _feature(name: str, points: list[Any], probability: float, details: dict[str, list[Any]]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": name,
        "geometry": {"type": "LineString", "coordinates": points},
        "properties": {"probability": round(probability, 4), **details},
    }
