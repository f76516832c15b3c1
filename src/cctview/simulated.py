"""The simulator where it meets the other stages: ``sim://`` as a source, and worlds on disk with all their truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.aggregates import travel_times
from cctview.errors import FrameError
from cctview.formats.files import write_text
from cctview.formats.tabular import journey_rows, match_rows, tracklet_rows, travel_time_rows, write_rows
from cctview.journeys import chain
from cctview.naming import still_stem
from cctview.network import CameraNetwork, load_network
from cctview.progress import silent
from cctview.seams import Progress, Store
from cctview.sim import (
    Sightings,
    SimFrame,
    Simulation,
    TruthTables,
    asked,
    parse_spec,
    sightings_of,
    simulate,
    truth_tables,
    write_stills,
)
from cctview.sources import Known, Skipped, decode
from cctview.store import Batch
from cctview.tracking.passages import passages
from cctview.types import (
    PERSON,
    Embeddings,
    Frame,
    Frames,
    Journeys,
    Passages,
    Ragged,
    TravelTimes,
    content_id,
    frame_id,
)

__all__ = ["SimulatedSource", "World", "open_simulated", "store_world", "truth_of", "write_world"]

_WHOLE_SECONDS_S = 0.5  # how far a stamp of whole seconds may be off
_MILLISECONDS_S = 0.0005
_AT_A_TIME = 256  # stills appended to a store together


@dataclass(frozen=True)
class SimulatedSource:
    """A simulation as a source of stills, with faults and all; ``drawn`` keeps the truth about those handed out."""

    name: str
    simulation: Simulation
    drawn: list[SimFrame] = field(default_factory=list)

    @property
    def network(self) -> CameraNetwork:
        """Return the camera network of the world."""
        return self.simulation.plan.network

    @property
    def live(self) -> bool:
        """A world ends."""
        return False

    def count(self) -> int:
        """Return how many stills will be sent."""
        return len(self.simulation.plan.timetable)

    def frames(self, known: Callable[[int], bool]) -> Iterator[Frame | Skipped | Known]:
        """Yield every still in the order sent; what is known is drawn again but not handed out."""
        self.drawn.clear()
        for still in self.simulation.frames():
            self.drawn.append(still.without_pixels())
            frame = _frame(still)
            if isinstance(frame, Frame) and known(frame.id):
                yield Known(frame.id)
            else:
                yield frame

    def world(self) -> World:
        """Return the truth about the stills that were drawn."""
        return truth_of(self.simulation, self.drawn)


@dataclass(frozen=True, kw_only=True)
class World:
    """All that is true about a simulation: sightings, tables, passages, journeys and travel times."""

    sightings: Sightings
    tables: TruthTables
    passages: Passages
    journeys: Journeys
    travel_times: TravelTimes


def open_simulated(spec: str) -> SimulatedSource:
    """Return the source behind ``sim://WORLD?setting=value&...``; raise SettingsError for another form."""
    settings, file = parse_spec(spec)
    return SimulatedSource(spec, simulate(settings, load_network(file) if file else None))


def truth_of(simulation: Simulation, stills: list[SimFrame] | None = None) -> World:
    """Return the truth about a simulation: about its drawn stills, or without them about what cameras would see."""
    sightings = simulation.sightings() if stills is None else sightings_of(stills)
    frames = _undrawn(simulation) if stills is None else _drawn(stills)
    network = simulation.plan.network
    tables = truth_tables(frames, sightings, network)
    chains = chain(tables.matches, tables.tracklets, network) if len(tables.matches) else Journeys.empty()
    passed = passages(tables.tracklets, tables.detections)
    times = travel_times(tables.matches, tables.tracklets, network)
    return World(sightings=sightings, tables=tables, passages=passed, journeys=chains, travel_times=times)


def write_world(simulation: Simulation, folder: Path, *, stills: bool = True, progress: Progress = silent) -> World:
    """Write a world into a folder and return its truth.

    ``stills`` draws the pictures, in the original's layout beside ``network.toml`` and the COCO file
    ``truth.json``. The folder ``truth`` gets, in any case, the network, the tables as CSV, and for each camera a
    MOT sequence (``mot/CAMERA/gt/gt.txt``) of its vehicles, in the class that its scorers count.
    """
    kept: list[SimFrame] | None = None
    if stills:
        kept = []
        write_stills(simulation, folder, keep=kept, progress=progress)
    world = truth_of(simulation, kept)
    truth = folder / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    (truth / "network.toml").write_text(simulation.plan.network_toml(), encoding="utf-8")
    _write_tables(world, truth)
    _write_mot(simulation, world.sightings, truth / "mot")
    return world


def store_world(simulation: Simulation, store: Store, *, progress: Progress = silent) -> World:
    """Draw a world into a store that holds the truth in place of what models would find, and return it.

    Vectors are random ones that stand for identities; people are blacked out where they truly are.
    """
    store.set_network(simulation.plan.network)
    kept: list[SimFrame] = []
    pending: list[SimFrame] = []
    for number, still in enumerate(simulation.frames(), start=1):
        pending.append(still)
        kept.append(still.without_pixels())
        progress("drawing", number, len(simulation.plan.timetable))
        if len(pending) >= _AT_A_TIME:
            store.append(_batch(simulation, pending))
            pending = []
    if pending:
        store.append(_batch(simulation, pending))
    world = truth_of(simulation, kept)
    store.replace([world.tables.tracklets, world.passages, world.tables.matches, world.journeys, world.travel_times])
    return world


def _batch(simulation: Simulation, stills: list[SimFrame]) -> Batch:
    """Return whole stills with what is true about them."""
    whole = [still for still in stills if isinstance(_frame(still), Frame)]
    frames = [frame for frame in map(_frame, whole) if isinstance(frame, Frame)]
    tables = truth_of(simulation, whole).tables
    vectors = np.random.default_rng(0).standard_normal((len(tables.detections), 16))
    people = sightings_of(whole)
    people = people[people.type == PERSON]
    return Batch(
        frames=frames,
        detections=tables.detections,
        embeddings=Embeddings(
            meta=tables.detections.meta,
            detection=tables.detections.id,
            vector=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
            quality=np.ones(len(vectors), np.float32),
        ),
        people=Ragged.grouped(people.box, people.still, len(frames)),
    )


def _frame(still: SimFrame) -> Frame | Skipped:
    """Return a still as any source hands it out: decoded from what was sent, at the second its name tells."""
    name, time = still_stem(still.name.removesuffix(".jpeg")), _stamp(still)
    try:
        image = decode(still.jpeg, name).image
    except FrameError as error:
        return Skipped(name, str(error).removeprefix(f"{name}: "))
    return Frame(
        image=image,
        camera=still.camera,
        time=time,
        name=name,
        digest=content_id(still.jpeg),
        time_error_s=_WHOLE_SECONDS_S if _whole_seconds(still) else _MILLISECONDS_S,
        encoded=still.jpeg,
    )


def _whole_seconds(still: SimFrame) -> bool:
    return still.name.rpartition("--")[0].rpartition("--")[2].count(".") == 2


def _stamp(still: SimFrame) -> np.datetime64:
    """Return the time that a still's name tells."""
    return still.time.astype("datetime64[s]" if _whole_seconds(still) else "datetime64[ms]").astype("datetime64[ns]")


def _drawn(stills: list[SimFrame]) -> Frames:
    times = [_stamp(still) for still in stills]
    digests = [still.digest for still in stills]
    return _frames(
        [still.camera for still in stills],
        np.array(times, "datetime64[ns]"),
        [still_stem(still.name.removesuffix(".jpeg")) for still in stills],
        digests,
        [still.size for still in stills],
    )


def _undrawn(simulation: Simulation) -> Frames:
    """Return the frames of stills that were never drawn; their numbers stand for their content."""
    table, settings = simulation.plan.timetable, simulation.plan.settings
    cameras = np.array(simulation.plan.cameras)[table.camera].tolist()
    times = simulation.plan.times(table.told)
    names = [f"{camera}--{number}" for number, camera in enumerate(cameras)]
    return _frames(cameras, times, names, range(len(table)), [(settings.width, settings.height)] * len(table))


def _frames(
    cameras: list[str],
    times: NDArray[np.datetime64],
    names: list[str],
    digests: Sequence[int],
    sizes: list[tuple[int, int]],
) -> Frames:
    rows = zip(cameras, times, digests, strict=True)
    ids = [frame_id(camera, time, digest) for camera, time, digest in rows]
    wide, high = np.array(sizes, np.int32).reshape(-1, 2).T
    return Frames(
        id=np.array(ids, np.int64),
        camera=np.array(cameras, np.str_),
        time=times,
        time_error_s=np.full(len(ids), _WHOLE_SECONDS_S, np.float32),
        name=np.array(names, np.str_),
        digest=np.array(digests, np.int64),
        width=wide,
        height=high,
    )


def _write_tables(world: World, folder: Path) -> None:
    seen = world.sightings
    rows: dict[str, dict[str, NDArray[Any]]] = {
        "sightings": {
            **{name: getattr(seen, name) for name in seen.columns if name not in ("box", "whole")},
            **dict(zip(("x1", "y1", "x2", "y2"), seen.box.T, strict=True)),
        },
        "tracklets": {**tracklet_rows(world.tables.tracklets), "identity": world.tables.identity},
        "matches": match_rows(world.tables.matches),
        "journeys": journey_rows(world.journeys, world.tables.tracklets),
        "travel-times": travel_time_rows(world.travel_times),
    }
    for name, columns in rows.items():
        write_rows(folder / f"{name}.csv", columns, "csv")


def _write_mot(simulation: Simulation, sightings: Sightings, folder: Path) -> None:
    """Write ``CAMERA/gt/gt.txt`` and ``seqinfo.ini``: frame, identity, x, y, w, h, counts, class, visibility."""
    vehicles = sightings[sightings.type != PERSON]
    table, settings = simulation.plan.timetable, simulation.plan.settings
    number = np.zeros(len(table), np.int64)  # of each still within its camera, from 1
    for k, camera in enumerate(simulation.plan.cameras):
        stills = np.flatnonzero(table.camera == k)
        number[stills] = np.arange(1, len(stills) + 1)
        mine = vehicles[vehicles.camera == camera]
        columns = np.column_stack([
            number[mine.still], mine.identity, mine.box[:, :2], mine.box[:, 2:] - mine.box[:, :2],
            asked(mine), np.ones(len(mine)), mine.visibility,
        ])  # fmt: skip
        place = folder / camera
        (place / "gt").mkdir(parents=True, exist_ok=True)
        np.savetxt(place / "gt" / "gt.txt", columns, ["%d", "%d", *["%.2f"] * 4, "%d", "%d", "%.3f"], delimiter=",")
        write_text(
            place / "seqinfo.ini",
            f"[Sequence]\nname={camera}\nframeRate={1 / settings.interval_s:.4g}\nseqLength={len(stills)}\n"
            f"imWidth={settings.width}\nimHeight={settings.height}\n",
        )
