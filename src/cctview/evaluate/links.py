"""Vehicles linked by hand over cameras: read them, and find what the program saw of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FormatError, SourceNotFoundError
from cctview.metrics.overlap import TrackedBoxes, same_place
from cctview.naming import ORIGINAL_TIMEZONE, parse_still_name, to_utc, zone
from cctview.types import VEHICLE_TYPES, Detections, Tracklets, rows_among

__all__ = ["Links", "read_links", "shown_by", "still_numbers", "tracklet_rows"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_OVERLAP = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class Links:
    """Labelled sightings of V vehicles.

    Per sighting (S,): ``vehicle`` row, ``camera``, ``time`` UTC to the second, ``box`` xyxy. Per vehicle
    (V,): ``name``, ``difficulty``, and ``certain``, which is false where a link rests on order alone.
    """

    vehicle: Ints
    camera: NDArray[np.str_]
    time: NDArray[np.datetime64]
    box: NDArray[np.float32]
    name: NDArray[np.str_]
    difficulty: NDArray[np.str_]
    certain: NDArray[np.bool_]


def read_links(path: Path, *, timezone: str = ORIGINAL_TIMEZONE) -> Links:
    """Read a file of hand-made links; its times are local to ``timezone``.

    A list of vehicles, each with ``sightings`` by camera: ``box`` and ``time`` (HH.MM.SS, the day in the
    ``detection``'s name or in one before, or a whole ISO 8601 time). Sightings marked ``duplicate_of``
    another are left out. Raises SourceNotFoundError and FormatError.
    """
    try:
        vehicles = json.loads(path.read_bytes())
        seen = [
            (number, camera, sighting)
            for number, vehicle in enumerate(vehicles)
            for camera, sightings in vehicle["sightings"].items()
            for sighting in sightings
            if "duplicate_of" not in sighting
        ]
        return Links(
            vehicle=np.array([number for number, _, _ in seen], np.int64),
            camera=np.array([camera for _, camera, _ in seen], np.str_),
            time=_moments(seen, zone(timezone)),
            box=np.array([sighting["box"] for _, _, sighting in seen], np.float32).reshape(-1, 4),
            name=np.array([str(vehicle["vehicle"]) for vehicle in vehicles], np.str_),
            difficulty=np.array([str(vehicle.get("difficulty", "ordinary")) for vehicle in vehicles], np.str_),
            certain=np.array([bool(vehicle.get("certain", True)) for vehicle in vehicles], np.bool_),
        )
    except OSError as error:
        raise SourceNotFoundError(
            f"{path}: cannot be read ({error.strerror}); give a file of linked vehicles"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{path}: not a file of linked vehicles ({error!r})") from error


def _moments(seen: list[tuple[int, str, dict[str, Any]]], place: ZoneInfo) -> NDArray[np.datetime64]:
    """Return the UTC time of each sighting; a bare clock time is of the day the last named detection was of."""
    days = [_day(sighting) for _, _, sighting in seen]
    day = next((known for known in days if known), None)
    moments = []
    for known, (_, _, sighting) in zip(days, seen, strict=True):
        day, text = known or day, str(sighting["time"])
        if day and len(text) <= len("HH.MM.SS"):
            text = f"{day.isoformat()}T{text.replace('.', ':')}"
        moments.append(to_utc(datetime.fromisoformat(text), place))
    return np.array(moments, "datetime64[s]")


def _day(sighting: dict[str, Any]) -> date | None:
    still = parse_still_name(str(sighting.get("detection") or "").partition("--detections--")[0])
    return still.local.date() if still else None


def still_numbers(*sides: tuple[NDArray[np.str_], NDArray[np.datetime64]], unit: str = "s") -> list[Ints]:
    """Return a number (N,) per row of each side, the same where camera and time agree, rising with time.

    Times agree when they do to the second, or to another ``unit``.
    """
    camera = np.unique(np.concatenate([side[0] for side in sides]), return_inverse=True)[1]
    time = np.concatenate([side[1].astype(f"datetime64[{unit}]") for side in sides]).astype(np.int64)
    number = np.unique(np.stack([time, camera]), axis=1, return_inverse=True)[1].reshape(-1)
    return np.split(number, np.cumsum([len(side[0]) for side in sides])[:-1])


def shown_by(links: Links, detections: Detections) -> Ints:
    """Return the detection row that shows each sighting (S,), -1 where none overlaps it by half.

    Of the vehicles detected in the sighting's still, the one that overlaps it most.
    """
    rows = np.flatnonzero(np.isin(detections.type, VEHICLE_TYPES))
    asked, given = still_numbers((links.camera, links.time), (detections.camera[rows], detections.time[rows]))
    pairs = same_place(
        TrackedBoxes(frame=asked, track=np.arange(len(asked)), box=links.box),
        TrackedBoxes(frame=given, track=np.arange(len(given)), box=detections.box[rows]),
    )
    best = np.lexsort((-pairs.overlap, pairs.left))
    best = best[np.unique(pairs.left[best], return_index=True)[1]]
    best = best[pairs.overlap[best] >= _OVERLAP]
    shown = np.full(len(asked), -1)
    shown[pairs.left[best]] = rows[pairs.right[best]]
    return shown


def tracklet_rows(tracklets: Tracklets, detections: Detections) -> Ints:
    """Return the tracklet row of each detection (N,), -1 for those in none."""
    members = tracklets.members
    return np.append(members.row, -1)[rows_among(members.values, detections.id)]
