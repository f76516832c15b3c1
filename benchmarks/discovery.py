"""Hold the links that discovery finds against simulated roads, by minutes of traffic; and measure its cost.

    python benchmarks/discovery.py --seeds 2 --out results/discovery.json

Worlds are those of the simulator, without drawing: tracklets as a faultless tracker would make them, whose vectors are
looks of the vehicle and noise of each sighting. NOISE is chosen so that, at one link, about as many vehicles are found
again as at the easiest real one (a half), HARD as at the other real ones (an eighth). A link found is right
when some vehicles truly went from one camera to the other without a third one between; asked for are the links of the
world's network that at least LEAST vehicles took in these minutes; "main" are those that at least a tenth of the
origin's vehicles took. In worlds without links every sighting looks like another vehicle.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from cctview.discovery import Discovery, discover
from cctview.geometry import passing_time
from cctview.network import CameraNetwork, parse_network
from cctview.sim import SimSettings, simulate
from cctview.simulated import truth_of
from cctview.types import Ragged, Tracklets
from provenance import header

Ints = NDArray[np.integer[Any]]
Ways = dict[tuple[str, str], list[float]]

NUMBERS, NOISE, HARD, LEAST = 64, 1.6, 2.2, 20
MINUTES = (5.0, 10.0, 20.0)
RING = 8


def worlds(seed: int) -> Iterator[tuple[str, SimSettings, CameraNetwork | None]]:
    """Yield the worlds by name."""
    usual = {"minutes": max(MINUTES), "seed": seed, "interval_s": 1.7, "traffic": 40.0}
    yield "corridor, 6 cameras", SimSettings(world="corridor", cameras=6, **usual), None
    yield (
        "corridor, 12 cameras, light traffic",
        SimSettings(world="corridor", cameras=12, **{**usual, "traffic": 24.0}),
        None,
    )
    yield "motorway with exits, 6 cameras", SimSettings(world="motorway", cameras=6, **usual), None
    yield "grid, 8 cameras", SimSettings(world="grid", cameras=8, **usual), None
    yield "ring, 8 cameras", SimSettings(**usual), ring()


def ring() -> CameraNetwork:
    """Return a ring road of cameras."""
    cameras = "".join(f'[[camera]]\nid = "r{n}"\nheading = "N"\nlat = 0\nlon = 0\n' for n in range(RING))
    pairs = [(n, (n + 1) % RING) for n in range(RING)]
    ends = [(a, b, "N") for a, b in pairs] + [(b, a, "S") for a, b in pairs]
    return parse_network(
        cameras
        + "".join(f'[[link]]\nfrom = "r{a}"\nto = "r{b}"\ndirection = "{way}"\nmetres = 600\n' for a, b, way in ends)
    )


def looks(identity: Ints, seed: int, noise: float) -> NDArray[np.float32]:
    """Return vectors of sightings, (N, NUMBERS): what the vehicle looks like, and noise."""
    rng = np.random.default_rng((seed, 1))
    spread = np.linspace(2, 0.2, NUMBERS)
    names, place = np.unique(identity, return_inverse=True)
    own = (rng.normal(size=(len(names), NUMBERS)) * spread)[place]
    seen = own + noise * spread.mean() * rng.normal(size=own.shape)
    return (seen / np.linalg.norm(seen, axis=1, keepdims=True)).astype(np.float32)


def truth(tracklets: Tracklets, identity: Ints) -> Ways:
    """Return the seconds that vehicles took from one camera to the next one that saw them."""
    seconds = passing_time(tracklets).astype(np.int64) / 1e9
    order = np.lexsort((seconds, identity))
    a, b = order[:-1], order[1:]
    same = (identity[a] == identity[b]) & (tracklets.camera[a] != tracklets.camera[b])
    ways: Ways = defaultdict(list)
    for one, other in zip(a[same].tolist(), b[same].tolist(), strict=True):
        ways[str(tracklets.camera[one]), str(tracklets.camera[other])].append(float(seconds[other] - seconds[one]))
    return ways


def scored(found: Discovery, ways: Ways, network: CameraNetwork, vehicles: dict[str, int]) -> dict[str, Any]:
    """Return counts that add up over worlds, and relative errors of median travel times of main links."""
    told = {(link.origin, link.target): link for link in found.links}
    known = {(link.origin, link.target) for link in network.links}
    asked = {pair for pair in known if len(ways.get(pair, ())) >= LEAST}
    main = {pair for pair in asked if len(ways[pair]) >= vehicles[pair[0]] / 10}
    right = {pair for pair in told if len(ways.get(pair, ())) > 1}
    error = [abs(told[pair].timing.median_s / np.median(ways[pair]) - 1) for pair in sorted(right & main)]
    return {
        "found": len(told), "right": len(right), "asked": len(asked), "asked and found": len(asked & told.keys()),
        "main": len(main), "main and found": len(main & told.keys()), "errors": error,
    }  # fmt: skip


def summed(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return precision, recall and error of travel times over worlds."""
    total = {key: sum(part[key] for part in parts) for key in parts[0] if key != "errors"}
    errors = np.concatenate([part["errors"] for part in parts])
    return {
        **total,
        "precision": round(total["right"] / max(total["found"], 1), 4),
        "recall": round(total["asked and found"] / max(total["asked"], 1), 4),
        "recall of main links": round(total["main and found"] / max(total["main"], 1), 4),
        "median error of the median travel time": round(float(np.median(errors)), 4) if len(errors) else None,
    }


def curves(seeds: int, noises: tuple[float, ...]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return what was found in each world by noise and minutes, and how many worlds without links had some."""
    parts: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    empty = {"worlds": 0, "with a link": 0}
    for seed in range(1, seeds + 1):
        for name, settings, given in worlds(seed):
            simulation = simulate(settings, given)
            tables = truth_of(simulation).tables
            network = simulation.plan.network
            for minutes in MINUTES:
                here = tables.tracklets.last_time < simulation.plan.start + np.timedelta64(round(minutes * 60), "s")
                tracklets, identity = tables.tracklets[here], tables.identity[here]
                names, count = np.unique(tracklets.camera, return_counts=True)
                vehicles = dict(zip(names.tolist(), count.tolist(), strict=True))
                for noise in noises:
                    seen = tracklets.replace(vector=looks(identity, seed, noise))
                    part = scored(discover(seen), truth(tracklets, identity), network, vehicles)
                    parts[f"{name}; noise {noise}"][f"{minutes:g} min"].append(part)
                strange = tracklets.replace(vector=looks(np.arange(len(identity)), seed, 0.0))
                empty["worlds"] += 1
                empty["with a link"] += bool(discover(strange).links)
            print(
                name,
                seed,
                {m: summed(p)["precision"] for m, p in parts[f"{name}; noise {noises[0]}"].items()},
                empty,
                flush=True,
            )
    return {name: {m: summed(p) for m, p in by.items()} for name, by in parts.items()}, empty


def cost(cameras: int, per_hour: int) -> dict[str, Any]:
    """Return the CPU seconds that an hour of so many cameras takes, ten to a road, and what is found there."""
    tracklets, links = roads(cameras, per_hour)
    start = time.process_time()
    found = discover(tracklets)
    told = {(link.origin, link.target) for link in found.links}
    return {
        "cameras": cameras, "tracklets": len(tracklets), "cpu_s": round(time.process_time() - start, 1),
        "links": len(links), "found": len(told), "right": len(told & links),
    }  # fmt: skip


def roads(cameras: int, per_hour: int) -> tuple[Tracklets, set[tuple[str, str]]]:
    """Return an hour of made-up traffic on roads of ten cameras, ``per_hour`` vehicles a way, and the links."""
    rng = np.random.default_rng(3)
    parts, links = [], set()
    for first in range(0, cameras, 10):
        names = [f"c{first + n}" for n in range(min(10, cameras - first))]
        station = np.concatenate([[0.0], np.cumsum(rng.uniform(20, 120, len(names) - 1))])
        for back in (False, True):
            order = names[::-1] if back else names
            links |= set(pairwise(order))
            enter, pace = rng.uniform(0, 3600, per_hour), rng.lognormal(0, 0.06, per_hour)
            begin, length = rng.integers(0, len(names), per_hour), rng.geometric(1 / 6, per_hour)
            look = rng.normal(size=(per_hour, 128)) * np.linspace(2, 0.2, 128)
            for n, name in enumerate(order):
                here = np.flatnonzero((begin <= n) & (n < begin + length) & (rng.random(per_hour) < 0.95))
                at = np.abs(station - station[-1])[::-1] if back else station
                seconds = enter[here] + pace[here] * (at[n] - at[begin[here]])
                vector = look[here] + NOISE * 1.1 * rng.normal(size=(len(here), 128))
                parts.append(_passed(name, seconds, back, vector))
    return Tracklets.concat([replace_ids(part, n) for n, part in enumerate(parts)]), links


def replace_ids(table: Tracklets, number: int) -> Tracklets:
    """Return the tracklets with ids of their own."""
    return table.replace(id=table.id + number * 1_000_000)


def _passed(name: str, seconds: NDArray[np.floating[Any]], back: bool, vector: NDArray[Any]) -> Tracklets:  # noqa: FBT001
    count = len(seconds)
    stamp = np.datetime64("2026-06-01T08:00:00", "ns") + (np.round(seconds) * 1e9).astype("timedelta64[ns]")
    late = np.timedelta64(3, "s")
    far, near = (np.tile(np.array(box, np.float32) + 150.0 * back * np.array([1, 0, 1, 0], np.float32), (count, 1))
                 for box in ([80, 60, 92, 72], [40, 140, 100, 200]))  # fmt: skip
    return Tracklets(
        id=np.arange(count),
        camera=np.full(count, name),
        first_time=stamp if back else stamp - late,
        last_time=stamp + late if back else stamp,
        first_box=near if back else far,
        last_box=far if back else near,
        type=np.full(count, "car"),
        heading=np.full(count, "away" if back else "towards"),
        vector=(vector / np.linalg.norm(vector, axis=1, keepdims=True)).astype(np.float32),
        spread=np.zeros(count, np.float32),
        quality=np.ones(count, np.float32),
        members=Ragged.from_lengths(np.zeros(0, np.int64), np.zeros(count, np.int64)),
    )


def main() -> None:
    """Print what was measured and write it to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--cameras", type=int, nargs="*", default=[10, 30, 100])
    parser.add_argument("--per-hour", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found, empty = curves(options.seeds, (NOISE, HARD))
    report = {
        "what": "links found from traffic alone, against the roads of simulated worlds, by minutes of traffic",
        "data": f"worlds of the simulator, not drawn, {options.seeds} seeds each; looks made up",
        **header(["benchmarks/discovery.py", *sys.argv[1:]], ("numpy", "scipy")),
        "value": {
            "worlds": found,
            "worlds without links": empty,
            "an hour": [cost(cameras, options.per_hour) for cameras in options.cameras],
        },
    }
    text = json.dumps(report, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
