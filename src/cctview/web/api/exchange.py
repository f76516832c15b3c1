"""Answers in the forms other programs read: JSON, Arrow streams, CSV and GeoJSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from fastapi import Request
from pydantic import TypeAdapter
from starlette.responses import Response

from cctview.formats.tabular import harmless
from cctview.web.model import answers

__all__ = ["ARROW", "arrow", "csv_of", "geojson_of", "respond"]

ARROW = "application/vnd.apache.arrow.stream"
_FRESH = {"Cache-Control": "no-store", "Vary": "Accept"}


def respond(request: Request, adapter: TypeAdapter[Any], value: Any) -> Response:
    """Return a record, or several, as JSON; several as an Arrow stream when the request accepts that."""
    rows = getattr(value, "items", value)
    if ARROW in request.headers.get("accept", "") and isinstance(rows, tuple):
        return Response(arrow(rows), media_type=ARROW, headers=_FRESH)
    return Response(adapter.dump_json(value), media_type="application/json", headers=_FRESH)


def arrow(records: Sequence[Any]) -> bytes:
    """Return records as an Arrow stream, one column per field; records within records become structs."""
    table = pa.Table.from_pylist([asdict(record) for record in records])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def csv_of(journeys: Sequence[answers.Journey]) -> str:
    """Return journeys as CSV, one row per step."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(["journey", "step", "camera", "tracklet", "time", "lon", "lat", "speed", "seconds", "probability"])
    for journey in journeys:
        for number, step in enumerate(journey.steps, 1):
            at = step.tracklet
            where = (step.time.isoformat(), step.lon, step.lat, step.speed, step.seconds)
            lines.writerow([journey.id, number, harmless(at.camera), at.id, *where, journey.probability])
    return out.getvalue()


def geojson_of(journeys: Sequence[answers.Journey]) -> str:
    """Return journeys as GeoJSON (RFC 7946): a line each, with a time for every point."""
    features = [
        {
            "type": "Feature",
            "id": journey.id,
            "geometry": {"type": "LineString", "coordinates": [[step.lon, step.lat] for step in journey.steps]},
            "properties": {
                "probability": journey.probability,
                "times": [step.time.isoformat() for step in journey.steps],
                "cameras": [step.tracklet.camera for step in journey.steps],
                "tracklets": [step.tracklet.id for step in journey.steps],
                "speeds": [step.speed for step in journey.steps],
            },
        }
        for journey in journeys
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
