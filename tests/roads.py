"""A small road for tests: vehicles with constant speeds in lanes, seen by pinhole cameras, with true identities."""

from dataclasses import dataclass, field

import numpy as np

from cctview.network import CameraNetwork, Link
from cctview.types import Cameras, Detections, Embeddings, content_id, row_ids

WIDTH, HEIGHT, FOCAL, RISE = 352.0, 240.0, 350.0, 7.0
START = np.datetime64("2020-05-05T17:00:00", "ns")


@dataclass(frozen=True, kw_only=True)
class Scenery:
    """What a test wants to see: vehicles per minute and direction, seconds between stills, noise."""

    seconds: float = 180.0
    step_s: float = 1.7
    jitter: float = 0.1
    per_minute: float = 25.0
    speed: float = 18.0
    both_ways: bool = True
    missed: float = 0.08
    noise_px: float = 0.7
    look_noise: float = 0.6
    dimensions: int = 32
    whole_seconds: bool = False
    seed: int = 1
    cameras: tuple[str, ...] = ("c1",)
    spacing_m: float = 400.0
    parked: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """Tables of a scene and the identity of each detection."""

    detections: Detections
    embeddings: Embeddings
    identity: np.ndarray
    network: CameraNetwork = field(default_factory=CameraNetwork)


def drive(scenery: Scenery) -> Seen:
    """Return what the cameras see of one road; southbound traffic comes towards cameras that look north.

    Camera ``k`` stands ``k * spacing_m`` down the southbound road.
    """
    rng = np.random.default_rng(scenery.seed)
    length = scenery.spacing_m * len(scenery.cameras) + 400
    lead = length / scenery.speed * 1.5
    count = rng.poisson(scenery.per_minute / 60 * (scenery.seconds + lead), 2)
    count[1] *= scenery.both_ways
    way = np.repeat([1.0, -1.0], count)
    total = len(way)
    enter = rng.uniform(-lead, scenery.seconds, total)
    pace = scenery.speed * rng.normal(1, 0.1, total).clip(0.7, 1.3)
    lane = np.where(way > 0, -2.0, -12.0) - 3.5 * rng.integers(0, 2, total)
    tall = rng.normal(1.55, 0.12, total).clip(1.2, 2.1)
    broad = rng.normal(1.85, 0.1, total)
    look = rng.normal(size=(total, scenery.dimensions))
    look /= np.linalg.norm(look, axis=1, keepdims=True)
    columns = {key: [] for key in ("camera", "time", "box", "vector", "identity", "frame", "score")}
    for number, camera in enumerate(scenery.cameras):
        clock = np.cumsum(
            scenery.step_s * rng.uniform(1 - scenery.jitter, 1 + scenery.jitter, int(scenery.seconds / scenery.step_s))
        )
        post = 400 + scenery.spacing_m * number
        for moment in clock:
            along = np.where(way > 0, (moment - enter) * pace, length - (moment - enter) * pace)
            ahead = post - along
            who = np.flatnonzero((ahead > 9) & (ahead < 95) & (rng.random(total) > scenery.missed))
            box = project(ahead[who], lane[who], tall[who], broad[who]) + rng.normal(0, scenery.noise_px, (len(who), 4))
            inside = (
                (box[:, 0] > 0)
                & (box[:, 2] < WIDTH)
                & (box[:, 3] < HEIGHT)
                & (box[:, 2] - box[:, 0] > 3)
                & (box[:, 3] - box[:, 1] > 3)
            )
            who, box = who[inside], box[inside]
            stamp = np.floor(moment) if scenery.whole_seconds else moment
            noisy = look[who] + scenery.look_noise * rng.normal(size=(len(who), scenery.dimensions)) / np.sqrt(
                scenery.dimensions
            )
            columns["camera"] += [camera] * len(who)
            columns["time"] += [START + np.timedelta64(int(stamp * 1e9), "ns")] * len(who)
            columns["frame"] += [content_id(camera, f"{moment:.6f}")] * len(who)
            columns["box"].append(box)
            columns["vector"].append(noisy / np.linalg.norm(noisy, axis=1, keepdims=True))
            columns["identity"].append(who)
            columns["score"].append(rng.uniform(0.5, 0.99, len(who)))
    return tables(columns, scenery)


def project(ahead, lane, tall, broad):
    """Return boxes of upright rectangles on the ground, seen from RISE metres with the horizon at 60 px."""
    foot, top = 60 + FOCAL * RISE / ahead, 60 + FOCAL * (RISE - tall) / ahead
    middle = 260 + FOCAL * (lane + 2) / ahead
    half = FOCAL * broad / 2 / ahead
    return np.column_stack([middle - half, top, middle + half, foot])


def tables(columns, scenery: Scenery) -> Seen:
    frame = np.array(columns["frame"], np.int64)
    order = np.argsort(frame, kind="stable")
    rank = np.empty(len(frame), np.int32)
    starts = np.flatnonzero(np.diff(frame[order], prepend=-1))
    rank[order] = np.arange(len(frame)) - np.repeat(starts, np.diff(starts, append=len(frame))) + 1
    identity = np.concatenate(columns["identity"])
    detections = Detections(
        id=row_ids(frame, rank, "test"),
        frame=frame,
        camera=np.array(columns["camera"]),
        time=np.array(columns["time"], "datetime64[ns]"),
        rank=rank,
        box=np.concatenate(columns["box"]).astype(np.float32),
        score=np.concatenate(columns["score"]).astype(np.float32),
        type=np.full(len(frame), "car"),
    )
    embeddings = Embeddings(
        detection=detections.id,
        vector=np.concatenate(columns["vector"]).astype(np.float32),
        quality=np.clip((detections.box[:, 3] - detections.box[:, 1]) / 40, 0, 1).astype(np.float32),
    )
    return Seen(detections=detections, embeddings=embeddings, identity=identity, network=network(scenery))


def network(scenery: Scenery) -> CameraNetwork:
    """Return the cameras in a row to the south, all looking north, linked both ways."""
    count = len(scenery.cameras)
    lat = 40.75 - np.arange(count) * scenery.spacing_m / 111_195
    cameras = Cameras(
        id=np.array(scenery.cameras),
        name=np.array(scenery.cameras),
        lon=np.full(count, -73.97),
        lat=lat,
        heading_deg=np.zeros(count, np.float32),
        interval_s=np.full(count, scenery.step_s, np.float32),
    )
    metres = scenery.spacing_m
    window = {"metres": metres, "min_s": max(metres - 100, 0) / 35, "max_s": (metres + 100) / 2.5 + 60}
    links = []
    for a, b in zip(scenery.cameras[:-1], scenery.cameras[1:], strict=True):
        links.append(Link(origin=a, target=b, direction_deg=180.0, **window))
        links.append(Link(origin=b, target=a, direction_deg=0.0, **window))
    return CameraNetwork(cameras=cameras, links=tuple(links))


def link_scores(seen: Seen, tracklets) -> tuple[float, float]:
    """Return recall and precision of links between neighbouring detections of one vehicle."""
    place = {int(name): n for n, name in enumerate(seen.detections.id.tolist())}
    at = np.array([place[int(name)] for name in tracklets.members.values.tolist()])
    owner = seen.identity[at]
    same = tracklets.members.row[1:] == tracklets.members.row[:-1]
    right = int((same & (owner[1:] == owner[:-1])).sum())
    keys = np.lexsort((seen.detections.time, seen.identity, seen.detections.camera))
    camera, identity = seen.detections.camera[keys], seen.identity[keys]
    wanted = int(((camera[1:] == camera[:-1]) & (identity[1:] == identity[:-1])).sum())
    return right / max(wanted, 1), right / max(int(same.sum()), 1)
