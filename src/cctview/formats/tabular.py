"""Tables as CSV, JSON and Parquet: which columns each export has, and how they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import ArrayLike, NDArray

from cctview.errors import InputError, TableError, nearest
from cctview.formats.files import replacing
from cctview.naming import detection_names, local_times, zone
from cctview.network import CameraNetwork
from cctview.network.reading import COMPASS
from cctview.types import (
    REASONS,
    Counts,
    Detections,
    Embeddings,
    Frames,
    Journeys,
    Lanes,
    Matches,
    Tracklets,
    TravelTimes,
    rows_among,
)

__all__ = [
    "FORMATS",
    "count_rows",
    "detection_rows",
    "embedding_rows",
    "frame_rows",
    "harmless",
    "hex_ids",
    "journey_rows",
    "lane_rows",
    "match_rows",
    "tracklet_rows",
    "travel_time_rows",
    "write_rows",
]

Rows = dict[str, NDArray[Any]]
_ROWS_AT_A_TIME = 65_536
Unit = Literal["s", "ms", "us", "ns"]
_UNITS: tuple[Unit, ...] = ("s", "ms", "us")  # times are written as precisely as the column needs
_FORMULA = re.compile(r"^([=+\-@\t\r])")
_NEEDS_QUOTES = '[",\r\n]'


def frame_rows(frames: Frames) -> Rows:
    """Return the columns of exported frames."""
    return {
        "frame": hex_ids(frames.id),
        "name": frames.name,
        "camera": frames.camera,
        "time": frames.time,
        "time_error_s": frames.time_error_s,
        "width": frames.width,
        "height": frames.height,
    }


def detection_rows(frames: Frames, detections: Detections, tracklets: Tracklets) -> Rows:
    """Return the columns of exported detections; ``tracklet`` is empty where there is none.

    Raise TableError when the frame of a detection is not among ``frames``.
    """
    still = frames.name[_places(frames.id, detections.frame, "frame")] if len(detections) else frames.name[:0]
    x1, y1, x2, y2 = detections.box.T
    return {
        "detection": detection_names(still, detections.rank, detections.type, detections.score, detections.box),
        "camera": detections.camera,
        "time": detections.time,
        "type": detections.type,
        "score": detections.score,
        "x1": x1,
        "y1": y1,
        "x2": x2,
        "y2": y2,
        "tracklet": _owners(detections.id, tracklets),
    }


def embedding_rows(frames: Frames, detections: Detections, embeddings: Embeddings) -> Rows:
    """Return the columns of exported embeddings: one column per dimension.

    Raise TableError when a detection or its frame is not among those given.
    """
    of = detections[_places(detections.id, embeddings.detection, "detection")]
    still = frames.name[_places(frames.id, of.frame, "frame")]
    vectors = {f"v{number}": column for number, column in enumerate(embeddings.vector.T)}
    names = detection_names(still, of.rank, of.type, of.score, of.box)
    return {"detection": names, "quality": embeddings.quality, **vectors}


def tracklet_rows(tracklets: Tracklets) -> Rows:
    """Return the columns of exported tracklets; ``detections`` counts the members."""
    return {
        "tracklet": hex_ids(tracklets.id),
        "camera": tracklets.camera,
        "first_time": tracklets.first_time,
        "last_time": tracklets.last_time,
        "detections": tracklets.members.lengths,
        "type": tracklets.type,
        "heading": tracklets.heading,
    }


def match_rows(matches: Matches) -> Rows:
    """Return the columns of exported matches: one row per query, camera and rank."""
    row = matches.candidates.row
    return {
        "query": hex_ids(matches.query)[row],
        "query_camera": matches.query_camera[row],
        "camera": matches.camera[row],
        "rank": _step(matches.candidates.offsets, row),
        "candidate": hex_ids(matches.candidates.values),
        "distance": matches.distance.values,
        "probability": matches.probability.values,
        "lag_s": matches.lag_s.values,
        "p_none": matches.p_none[row],
        **{name: getattr(matches, name).values for name in REASONS},
    }


def count_rows(counts: Counts, network: CameraNetwork | None = None) -> Rows:
    """Return the columns of exported counts: one row per camera, direction, bin and type.

    ``direction`` is how vehicles go in the picture; ``compass`` which way they drive, empty for those that cross
    the view and for a camera that ``network`` does not know; ``whole`` is False for a bin with stills in part only.
    """
    looks = np.array([np.nan] * len(counts))
    if network is not None and len(network.cameras):
        place = rows_among(network.cameras.id, counts.camera)
        looks = np.where((place >= 0) & network.cameras.aimed[place], network.cameras.heading_deg[place], np.nan)
    turned = np.select([counts.direction == "away", counts.direction == "towards"], [0.0, 180.0], np.nan)
    eighth = np.nan_to_num((looks + turned) / 45, nan=len(COMPASS) + 0.0)
    names = np.array([*COMPASS, ""])
    known = np.isfinite(looks + turned)
    return {
        "camera": counts.camera,
        "direction": counts.direction,
        "start": counts.start,
        "end": counts.end,
        "type": counts.type,
        "passages": counts.passages,
        "compass": names[np.where(known, np.rint(eighth).astype(np.intp) % len(COMPASS), len(COMPASS))],
        "whole": counts.whole,
    }


def travel_time_rows(times: TravelTimes) -> Rows:
    """Return the columns of exported travel times: one row per link and interval."""
    return {name: getattr(times, name) for name in times.columns}


def journey_rows(journeys: Journeys, tracklets: Tracklets) -> Rows:
    """Return the columns of exported journeys: one row per step, in time order.

    Raise TableError when a member is not among ``tracklets``.
    """
    row, members = journeys.members.row, journeys.members.values
    at = tracklets[_places(tracklets.id, members, "tracklet")] if len(members) else tracklets[:0]
    return {
        "journey": hex_ids(journeys.id)[row],
        "step": _step(journeys.members.offsets, row),
        "camera": at.camera,
        "tracklet": hex_ids(members),
        "first_time": at.first_time,
        "last_time": at.last_time,
        "probability": journeys.probability[row],
    }


def lane_rows(lanes: Lanes) -> Rows:
    """Return the columns of exported lanes: one row per point of the centre line, in the order of travel.

    Lanes of one camera stand together and are numbered from 1.
    """
    row = lanes.x.row
    number = np.arange(len(lanes)) - np.searchsorted(lanes.camera, lanes.camera) + 1
    return {
        "camera": lanes.camera[row],
        "lane": number[row],
        "heading": lanes.heading[row],
        "vehicles": lanes.members.lengths[row],
        "speed_px_s": lanes.speed[row].round(1),
        "point": _step(lanes.x.offsets, row),
        "x": lanes.x.values.round(1),
        "y": lanes.y.values.round(1),
    }


def hex_ids(ids: NDArray[np.int64]) -> NDArray[np.str_]:
    """Return ids as 16 hexadecimal digits each, ``(N,)``."""
    big_endian = np.ascontiguousarray(ids, ">i8").tobytes().hex()
    return np.array([big_endian], f"U{max(len(big_endian), 1)}").view("U16") if len(ids) else np.zeros(0, "U16")


def _step(offsets: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each flat value within its row, from 1."""
    return np.arange(len(row)) - offsets[row] + 1


def _places(ids: NDArray[np.int64], wanted: NDArray[np.int64], what: str) -> NDArray[np.int64]:
    """Return where each wanted id stands in ``ids``; raise TableError when one is missing."""
    order = np.argsort(ids, kind="stable")
    place = np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)
    found = ids[order[place]] == wanted if len(ids) else np.zeros(len(wanted), np.bool_)
    if not found.all():
        missing = int(wanted[np.argmin(found)])
        raise TableError(f"no {what} {missing:016x} among the {len(ids)} given; export from one store at one time")
    return order[place]


def _owners(detections: NDArray[np.int64], tracklets: Tracklets) -> NDArray[np.str_]:
    """Return the tracklet of each detection, empty where there is none."""
    members = tracklets.members.values
    owner = hex_ids(tracklets.id)[tracklets.members.row]
    order = np.argsort(members, kind="stable")
    place = np.searchsorted(members, detections, sorter=order)
    known = place < len(members)
    known[known] = members[order[place[known]]] == detections[known]
    found = np.zeros(len(detections), "U16")
    found[known] = owner[order[place[known]]]
    return found


def write_rows(path: Path, columns: Mapping[str, ArrayLike], format: str, *, timezone: str = "UTC") -> None:  # noqa: A002  the command line's own word
    """Write columns of one length as CSV, JSON (a list of objects) or Parquet, in one step.

    In CSV a text that a spreadsheet would take for a formula gets an apostrophe before it.
    Times get the offset of ``timezone``: ISO 8601 in CSV and JSON, a typed column in Parquet. An
    empty text is an absent value. Raise InputError for another format, TableError when columns differ in
    length.
    """
    if format not in FORMATS:
        raise InputError(f"no format {format!r}; {nearest(format, FORMATS)}")
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise TableError(f"columns differ in length: {lengths}")
    with replacing(path) as written:
        FORMATS[format](written, arrays, timezone)


def _write_csv(path: Path, columns: Rows, timezone: str) -> None:
    with path.open("wb") as file:
        file.write((",".join(columns) + "\n").encode())
        for batch in map(_without_formulas, _batches(columns, timezone, typed=False)):
            style = "needed" if _quotes_needed(batch) else "none"
            options = pyarrow.csv.WriteOptions(include_header=False, quoting_style=style)
            pyarrow.csv.write_csv(pa.Table.from_batches([batch]), file, options)


def harmless(text: str) -> str:
    """Return a text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _without_formulas(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = {
        name: pc.replace_substring_regex(column, _FORMULA.pattern, r"'\1")
        if pa.types.is_string(column.type)
        else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    return pa.RecordBatch.from_pydict(columns)


def _quotes_needed(batch: pa.RecordBatch) -> bool:
    texts = [column for column in batch.columns if pa.types.is_string(column.type)]
    return any(pc.any(pc.match_substring_regex(text, _NEEDS_QUOTES)).as_py() for text in texts)


def _write_json(path: Path, columns: Rows, timezone: str) -> None:
    begin = "[\n"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for batch in _batches(columns, timezone, typed=False):
            lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in _plain(batch).to_pylist()]
            file.write(begin + ",\n".join(lines))
            begin = ",\n"
        file.write("[]\n" if begin == "[\n" else "\n]\n")


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Turn float32 to the float64 that has the same short decimals: 0.9, not 0.8999999761581421."""
    columns = {
        name: column.cast(pa.string()).cast(pa.float64()) if column.type == pa.float32() else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    return pa.RecordBatch.from_pydict(columns)


def _write_parquet(path: Path, columns: Rows, timezone: str) -> None:
    writer = None
    try:
        for batch in _batches(columns, timezone, typed=True, empty=True):
            writer = writer or pyarrow.parquet.ParquetWriter(path, batch.schema)
            writer.write_batch(batch)
    finally:
        if writer:
            writer.close()


FORMATS: Mapping[str, Callable[[Path, Rows, str], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "parquet": _write_parquet,
}


def _batches(columns: Rows, timezone: str, *, typed: bool, empty: bool = False) -> Iterator[pa.RecordBatch]:
    """Yield the rows in parts, so that a large table is never converted at once."""
    length = len(next(iter(columns.values()), ()))
    converters = {name: _converter(array, timezone, typed=typed) for name, array in columns.items()}
    for begin in range(0, max(length, 1 if empty else 0), _ROWS_AT_A_TIME):
        part = slice(begin, begin + _ROWS_AT_A_TIME)
        yield pa.RecordBatch.from_pydict({name: converters[name](array[part]) for name, array in columns.items()})


def _converter(array: NDArray[Any], timezone: str, *, typed: bool) -> Callable[[NDArray[Any]], pa.Array]:
    """Return what turns each part of a column into Arrow."""
    if array.dtype.kind == "U":
        return lambda part: pa.array([text or None for text in part.tolist()], pa.string())
    if array.dtype.kind != "M":
        return lambda part: pa.array(np.ascontiguousarray(part))
    if typed:
        return lambda part: pa.array(part.astype("datetime64[ns]"), pa.timestamp("ns", timezone))
    unit: Unit = next((unit for unit in _UNITS if (array.astype(f"datetime64[{unit}]") == array).all()), "ns")
    return lambda part: pa.array(_iso(part.astype("datetime64[ns]"), zone(timezone), unit), pa.string())


def _iso(times: NDArray[np.datetime64], place: ZoneInfo, unit: Unit) -> list[str]:
    """Return ISO 8601 texts with offset."""
    local, minutes = local_times(times, place)
    sign = np.where(minutes < 0, "-", "+")
    hours, rest = np.divmod(np.abs(minutes), 60)
    text = np.strings.add(np.datetime_as_string(local, unit), sign)
    for number, pattern in ((hours, "%02d:"), (rest, "%02d")):
        text = np.strings.add(text, np.strings.mod(np.array(pattern), number))
    return text.tolist()
