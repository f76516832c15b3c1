"""The chain that a visitor builds: one vehicle at camera after camera, with what lies between."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from cctview.formats.tabular import harmless
from cctview.web.model import answers
from cctview.web.model.wording import Clock, duration, length, share, speed

__all__ = ["Chain", "Leg", "largest"]

_WIDTH, _HEIGHT, _LINE, _EDGE = 528, 360, 40, 16
_INK, _ACCENT, _PAPER, _BOX = "#191b1d", "#b53a06", "#f4f3ef", "#ff8f52"


@dataclass(frozen=True, kw_only=True)
class Leg:
    """What lies between two cameras of a chain; ``metres`` is None off the camera network."""

    metres: float | None
    seconds: float
    probability: float | None

    def words(self) -> str:
        """Return distance, time, speed and probability in one line."""
        parts = [duration(self.seconds)]
        if self.metres is not None:
            parts.insert(0, length(self.metres))
            parts.append(speed(self.metres / max(abs(self.seconds), 1.0)))
        if self.probability is not None:
            parts.append(f"{share(self.probability)} sure")
        return " · ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Sightings in travel order, one leg between each two."""

    stations: tuple[answers.Sighting, ...] = ()
    legs: tuple[Leg, ...] = ()

    def onward(self, at: int, sighting: answers.Sighting, leg: Leg) -> Chain:
        """Return the chain up to station ``at``, going on to a sighting."""
        return replace(self, stations=(*self.stations[: at + 1], sighting), legs=(*self.legs[:at], leg))

    def back(self, at: int, sighting: answers.Sighting, leg: Leg) -> Chain:
        """Return the chain from station ``at`` on, coming from a sighting."""
        return replace(self, stations=(sighting, *self.stations[at:]), legs=(leg, *self.legs[at:]))

    def csv(self) -> str:
        """Return one row per sighting of each station."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["step", "camera", "tracklet", "time", "detection", "type", "score", "x1", "y1", "x2", "y2"])
        rows.writerows(
            [
                step,
                harmless(box.camera),
                station.tracklet.id,
                box.time.isoformat(),
                box.name,
                box.type,
                f"{box.score:.3f}",
            ]
            + [f"{edge:.1f}" for edge in box.box]
            for step, station in enumerate(self.stations, 1)
            for box in station.detections
        )
        return text.getvalue()

    def geojson(self, cameras: dict[str, answers.Camera]) -> str:
        """Return a line along the cameras and a point per station; cameras without a place are left out."""
        placed = [(station, cameras[station.tracklet.camera]) for station in self.stations]
        placed = [(station, camera) for station, camera in placed if camera.lon is not None]
        line = {"type": "LineString", "coordinates": [[camera.lon, camera.lat] for _, camera in placed]}
        legs = [vars(leg) for leg in self.legs]
        features = [{"type": "Feature", "geometry": line, "properties": {"legs": legs}}] if len(placed) > 1 else []
        features += [_point(station, camera) for station, camera in placed]
        return json.dumps({"type": "FeatureCollection", "features": features}, indent=1)

    def picture(self, image: Callable[[str], bytes], cameras: dict[str, answers.Camera], clock: Clock) -> bytes:
        """Return the stations as a column of stills with the vehicle boxed, as PNG."""
        rows = len(self.stations) * (_HEIGHT + _LINE) + len(self.legs) * _LINE
        sheet = Image.new("RGB", (_WIDTH + 2 * _EDGE, rows + _EDGE), _PAPER)
        draw, font, y = ImageDraw.Draw(sheet), ImageFont.load_default(15), 0
        for n, station in enumerate(self.stations):
            box = largest(station)
            lines = [(self.legs[n - 1].words(), _ACCENT)] if n else []
            for words, colour in [*lines, (f"{cameras[box.camera].name}, {clock.moment(box.time)}", _INK)]:
                draw.text((_EDGE, y + _LINE // 2), words, colour, font, anchor="lm")
                y += _LINE
            sheet.paste(_boxed(image(box.frame), box), (_EDGE, y))
            y += _HEIGHT
        data = io.BytesIO()
        sheet.save(data, "PNG")
        return data.getvalue()


def largest(sighting: answers.Sighting) -> answers.Detection:
    """Return the largest box of a sighting: the one that shows most of the vehicle."""
    return max(sighting.detections, key=lambda found: _area(found.box))


def _area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _point(station: answers.Sighting, camera: answers.Camera) -> dict[str, Any]:
    seen = station.tracklet
    about = {
        "camera": camera.id,
        "name": camera.name,
        "tracklet": seen.id,
        "type": seen.type,
        "first_time": seen.first_time.isoformat(),
        "last_time": seen.last_time.isoformat(),
    }
    place = {"type": "Point", "coordinates": [camera.lon, camera.lat]}
    return {"type": "Feature", "geometry": place, "properties": about}


def _boxed(still: bytes, found: answers.Detection) -> Image.Image:
    image = Image.open(io.BytesIO(still)).convert("RGB")
    across, down = _WIDTH / image.width, _HEIGHT / image.height
    x1, y1, x2, y2 = found.box
    large = image.resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC)
    ImageDraw.Draw(large).rectangle((x1 * across, y1 * down, x2 * across, y2 * down), outline=_BOX, width=3)
    return large
