"""Count passages on simulated worlds, and on a store of real stills, against what is true or plausible.

    python benchmarks/counts.py --keep DIR --real STORE --out results/counts.json

The whole program runs over drawn stills: bundled detector, embedder, tracker. What it found is kept in DIR, one store
a world, and taken from there when it is there. True are the visits of a camera and direction: vehicles large and
visible enough to ask for in one still at least. They are told as ``visits``; a visit whose near end lies outside the
record, of a vehicle that was going away already in the first still or is still coming in the last, is no passage
whoever counts, so ``true`` is without them (about 2 % of a record of four minutes), and ``error`` is against it.
``error of visits`` is against all visits.

"chosen on" are the worlds by which numbers of the method were chosen, "held out" those that it saw once, afterwards.
``tracklets`` is the error of counting tracklets of that heading instead, as earlier versions did. Of real stills
nobody knows the truth; there the passages of neighbouring cameras of one road stand side by side.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.aggregates import stills_span
from cctview.detect import load_detector
from cctview.embed import load_embedder
from cctview.pipeline import run
from cctview.privacy import Policy
from cctview.simulated import open_simulated, truth_of
from cctview.store import create_store, open_store
from cctview.tracking.passages import PassagePriors, passages
from cctview.types import Breaks, Detections, Frames, Passages, Tracklets
from provenance import header

WORLDS: dict[str, tuple[str, str, str]] = {
    "day101": ("chosen on", "day", "corridor?minutes=4&cameras=3&seed=101"),
    "rain103": ("chosen on", "rain", "corridor?minutes=4&cameras=3&seed=103&weather=rain"),
    "dusk102": ("chosen on", "dusk", "corridor?minutes=4&cameras=3&seed=102&light=dusk"),
    "day201": ("chosen on", "day", "corridor?minutes=4&cameras=3&seed=201&traffic=24"),
    "dusk202": ("chosen on", "dusk", "corridor?minutes=4&cameras=3&seed=202&light=dusk&traffic=30"),
    "rain203": ("chosen on", "rain", "corridor?minutes=4&cameras=3&seed=203&weather=rain&traffic=30"),
    "night204": ("chosen on", "night", "corridor?minutes=4&cameras=3&seed=204&light=night"),
    "day301": ("held out", "day", "corridor?minutes=5&cameras=3&seed=301"),
    "dusk302": ("held out", "dusk", "corridor?minutes=5&cameras=3&seed=302&light=dusk"),
    "rain303": ("chosen on", "rain", "corridor?minutes=5&cameras=3&seed=303&weather=rain"),
    "moto205": ("held out", "day", "motorway?minutes=4&cameras=3&seed=205"),
    "dusk206": ("held out", "dusk", "motorway?minutes=4&cameras=3&seed=206&light=dusk"),
    "rain207": ("held out", "rain", "motorway?minutes=4&cameras=3&seed=207&weather=rain"),
    "grid304": ("chosen on", "day", "grid?minutes=4&cameras=3&seed=304"),
    "heavy305": ("held out", "day", "corridor?minutes=4&cameras=2&seed=305&traffic=70"),
    "day401": ("held out", "day", "corridor?minutes=4&cameras=3&seed=401"),
    "dusk402": ("held out", "dusk", "corridor?minutes=4&cameras=3&seed=402&light=dusk"),
    "rain403": ("held out", "rain", "corridor?minutes=4&cameras=3&seed=403&weather=rain"),
    "slow306": ("held out", "day", "corridor?minutes=4&cameras=2&seed=306&interval_s=3"),
}
_WAYS = ("towards", "away")


def found_in(spec: str, place: Path) -> tuple[Tracklets, Passages]:
    """Return what the program finds in a world, from a store at ``place`` that is made when it is not there."""
    if not place.exists():
        source = open_simulated(spec)
        store = create_store(place, Policy.default("a benchmark"))
        run(source, store, source.network, load_detector(), load_embedder())
    return counted(place)


def counted(place: Path) -> tuple[Tracklets, Passages]:
    """Return the tracklets of a store and their passages."""
    store = open_store(place)
    tracklets = store.scan(Tracklets)
    return tracklets, passages(tracklets, store.scan(Detections), store.scan(Breaks))


def world(name: str, keep: Path) -> list[dict[str, Any]]:
    """Return one row per camera and direction of a world."""
    part, light, spec = WORLDS[name]
    tracklets, found = found_in(f"sim://{spec}", keep / name)
    tables = truth_of(open_simulated(f"sim://{spec}").simulation).tables
    visits = tables.tracklets
    inside = near_end_within(visits, tables.frames)
    rows = []
    for camera in np.unique(visits.camera).tolist():
        for way in _WAYS:
            every, true, ours, pieces = (
                int(np.sum((table.camera == camera) & (table.heading == way)))
                for table in (visits, visits[inside], found, tracklets)
            )
            error, of_tracklets = (round(number / true - 1, 3) for number in (ours, pieces))
            rows.append({
                "world": name, "part": part, "light": light, "camera": camera, "direction": way, "visits": every,
                "true": true, "passages": ours, "error": error, "error of visits": round(ours / every - 1, 3),
                "tracklets": of_tracklets,
            })  # fmt: skip
            print(*rows[-1].values(), file=sys.stderr)
    return rows


def near_end_within(visits: Tracklets, frames: Frames) -> NDArray[np.bool_]:
    """Return which visits (N,) pass the near end of the view between the first still of their camera and the last."""
    spans = stills_span(frames.camera, frames.time)
    begun, ended = (np.array([spans[camera][end] for camera in visits.camera.tolist()]) for end in (0, 1))
    cut = np.where(visits.heading == "away", visits.first_time <= begun, visits.last_time >= ended)
    return ~cut


def summed_up(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return mean, mean absolute and largest error by part and light, and the share within 5 and within 10 %."""
    told: dict[str, Any] = {}
    for part, light in sorted({(row["part"], row["light"]) for row in rows}):
        mine = [row for row in rows if (row["part"], row["light"]) == (part, light)]
        error, of_visits, before = (
            np.array([row[key] for row in mine]) for key in ("error", "error of visits", "tracklets")
        )
        told[f"{part}, {light}"] = {
            "cameras and directions": len(mine),
            "mean error": round(float(error.mean()), 3),
            "mean absolute error": round(float(np.abs(error).mean()), 3),
            "largest error": float(error[np.abs(error).argmax()]),
            "within 5 %": int(np.sum(np.abs(error) <= 0.05)),
            "within 10 %": int(np.sum(np.abs(error) <= 0.1)),
            "mean error of visits": round(float(of_visits.mean()), 3),
            "mean error of tracklets": round(float(before.mean()), 3),
        }
    return told


def real(place: Path) -> list[dict[str, Any]]:
    """Return passages and tracklets per camera and direction of a store of real stills."""
    tracklets, found = counted(place)
    return [
        {
            "camera": camera,
            "direction": way,
            "passages": int(np.sum((found.camera == camera) & (found.heading == way))),
            "tracklets": int(np.sum((tracklets.camera == camera) & (tracklets.heading == way))),
        }
        for camera in np.unique(tracklets.camera).tolist()
        for way in _WAYS
    ]


def main() -> None:
    """Run all worlds and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rows = [row for name in WORLDS for row in world(name, args.keep)]
    command = ["benchmarks/counts.py", "--keep", "DIR", "--real", "DATA", "--out", str(args.out)]
    result = {
        **header(command, ("cctview", "numpy", "scipy")),
        "passages": PassagePriors().meta,
        "summary": summed_up(rows),
        "worlds": rows,
        **({"real": real(args.real)} if args.real else {}),
    }
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
