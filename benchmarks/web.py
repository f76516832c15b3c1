"""Measure the web server over a large store: choosing a vehicle, by 20 users at once, and its memory.

    python benchmarks/large_store.py STORE --detections 10000000
    python benchmarks/web.py STORE --detections 10000000 --out results/web.json

The server is a process of its own, as `cctview serve` starts it, with the pages mounted. "At the
server" is the time from the arrival of a request to the end of its answer, which a thin layer
around the application takes; what clients on the same machine see is given beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
import time
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn

from cctview.store import SearchFilters, open_store
from cctview.types import Embeddings
from cctview.web.app import create_app
from cctview.web.pages.mounting import mount_pages
from large_store import SLOTS, STAY, Scale, network

HOST = "127.0.0.1"
KINDS = ("matches", "tracklet", "crop", "frames", "frame", "image")


def serve(store: Path, scale: Scale, ready: Any, stop: Any, spent: Any) -> None:
    """Serve the store; put the port on ``ready``, and at the end all times at the server and the memory."""
    begun = time.perf_counter()
    opened = open_store(store, write=True)
    opened.set_network(network(scale))
    app = create_app(opened)
    mount_pages(app)
    opened = time.perf_counter() - begun
    times: list[tuple[str, float]] = []

    async def timed(scope: Any, receive: Any, send: Any) -> None:
        start = time.perf_counter()
        await app(scope, receive, send)
        if scope["type"] == "http":
            kind = next((word for word in scope.get("headers", ()) if word[0] == b"x-kind"), (b"", b"other"))[1]
            times.append((kind.decode(), 1000 * (time.perf_counter() - start)))

    server = uvicorn.Server(uvicorn.Config(timed, host=HOST, port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    ready.put((server.servers[0].sockets[0].getsockname()[1], opened))
    before = time.process_time()
    stop.wait()
    processor = time.process_time() - before
    server.should_exit = True
    thread.join(10)
    spent.put((times, memory(), processor))


def memory() -> dict[str, int]:
    """Return the memory of this process in MB: at its highest, now, and how much of that belongs to no file."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    names = {"VmHWM": "peak", "VmRSS": "resident", "RssAnon": "of no file"}
    return {name: int(lines[key].split()[0]) // 1024 for key, name in names.items()}


def follow(port: int, scale: Scale, seed: int, seconds: float, think_s: float, seen: list[tuple[str, float]]) -> None:
    """Do what one visitor does: a camera's stills, a still, a vehicle in it, its candidates, and their crops."""
    rng = np.random.default_rng(seed)
    end = time.perf_counter() + seconds
    with httpx.Client(base_url=f"http://{HOST}:{port}/api/v1", timeout=60) as client:

        def get(kind: str, path: str, **params: Any) -> httpx.Response:
            start = time.perf_counter()
            answer = client.get(path, params=params, headers={"x-kind": kind})
            seen.append((kind, 1000 * (time.perf_counter() - start)))
            answer.raise_for_status()
            return answer

        while time.perf_counter() < end:
            camera = scale.names[rng.integers(1, scale.cameras - 1)]
            after = 1_777_939_200 + rng.uniform(0, scale.stays * STAY * 1.7 - 100)
            stills = get("frames", "/frames", camera=camera, after=after, limit=50).json()["items"]
            frame = get("frame", f"/frames/{stills[0]['id']}").json()
            get("image", f"/frames/{frame['id']}/image")
            vehicle = frame["detections"][rng.integers(SLOTS)]["tracklet"]
            found = get("matches", f"/tracklets/{vehicle}/matches").json()
            get("tracklet", f"/tracklets/{vehicle}")
            for candidate in found[0]["candidates"][:2]:
                get("crop", f"/tracklets/{candidate['tracklet']['id']}/crop", side=96)
            time.sleep(rng.exponential(think_s) if think_s else 0)


def users(count: int, *given: Any) -> list[tuple[str, float]]:
    """Return what ``count`` visitors at once saw."""
    seen: list[tuple[str, float]] = []
    threads = [
        threading.Thread(target=follow, args=(given[0], given[1], seed, *given[2:], seen)) for seed in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def quantiles(times: list[tuple[str, float]]) -> dict[str, dict[str, float]]:
    """Return median, 95th percentile and count per kind of request, in milliseconds."""
    found = {}
    for kind in KINDS:
        mine = [value for name, value in times if name == kind]
        if mine:
            p50, p95 = np.quantile(mine, (0.5, 0.95)).round(1).tolist()
            found[kind] = {"p50_ms": p50, "p95_ms": p95, "requests": len(mine)}
    return found


def measure(store: Path, scale: Scale, seconds: float, think_s: float, count: int) -> dict[str, Any]:
    """Return the times and the memory of a server under this many visitors."""
    clean = get_context("spawn")
    ready, stop, spent = clean.Queue(), clean.Event(), clean.Queue()
    server = clean.Process(target=serve, args=(store, scale, ready, stop, spent))
    server.start()
    port, opened = ready.get()
    seen = users(count, port, scale, seconds, think_s)
    stop.set()
    times, memory_mb, processor = spent.get()
    server.join()
    return {
        "users": count,
        "seconds": seconds,
        "pause_s": think_s,
        "requests": len(times),
        "seconds to open": round(opened, 1),
        "processor ms per request": round(1000 * processor / max(len(times), 1), 2),
        "at the server": quantiles(times),
        "at the client": quantiles(seen),
        "memory_mb": memory_mb,
    }


def searching(store: Path) -> dict[str, float]:
    """Return how long exact searches take, in milliseconds: all vectors, and one camera's hour."""
    opened = open_store(store, write=True)
    piece = next(iter(opened.stream(Embeddings, ["vector", "camera", "time"])))
    vector = np.asarray(piece.column("vector")[0].as_py(), np.float32)
    first = np.datetime64(piece.column("time")[0].as_py().replace(tzinfo=None), "ns")
    hour = SearchFilters(camera=piece.column("camera")[0].as_py(), after=first, before=first + np.timedelta64(1, "h"))
    took = {}
    for name, filters in (("all vectors", SearchFilters()), ("one camera and hour", hour)):
        runs = []
        for _ in range(3):
            start = time.perf_counter()
            opened.search(vector / np.linalg.norm(vector), purpose="a benchmark", subject="none", filters=filters)
            runs.append(1000 * (time.perf_counter() - start))
        took[f"{name}, ms"] = round(min(runs), 1)
    return took


def provenance() -> dict[str, Any]:
    """Return commit, machine, load and versions."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    libraries = ("numpy", "lancedb", "pyarrow", "fastapi", "uvicorn", "nicegui")
    return {
        "commit": head.stdout.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load average of other work": round(os.getloadavg()[0], 1),
        "versions": {name: metadata.version(name) for name in libraries},
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--detections", type=int, default=10_000_000)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=2.0, help="mean seconds a visitor looks before choosing again")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    scale = Scale(cameras=given.cameras, stays=given.detections // (given.cameras * SLOTS * STAY))
    result = {
        "what": "the web server over a large store: following vehicles, 20 users at once; exact search",
        "data": f"simulated, {given.detections:,} detections, {given.cameras} cameras",
        "command": "python benchmarks/large_store.py STORE && python benchmarks/web.py STORE",
        **provenance(),
        "value": {
            "server": measure(given.store, scale, given.seconds, given.pause, given.users),
            "search": searching(given.store),
        },
    }
    text = json.dumps(result, indent=1) + "\n"
    if given.out:
        given.out.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
