"""Verbs about this machine: doctor, bench."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cctview.cli.run import DetectorName, EmbedderName
from cctview.cli.screen import Json, answer, interruptible, progress

__all__ = ["register"]

# What the original's own models need on two cores, per still and per crop (RetinaNet-50, DenseNet201).
_ORIGINAL_STILL_S = 2.15
_ORIGINAL_CROP_S = 0.074


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command()(doctor)
    bench = typer.Typer(help="Measure speed here.", no_args_is_help=True)
    bench.callback()(lambda: None)
    bench.command("pipeline")(bench_pipeline)
    app.add_typer(bench, name="bench")


def doctor(
    store: Annotated[Path | None, typer.Argument(help="A store to look at too, as `cctview check` does.")] = None,
    as_json: Json = False,
) -> None:
    """Say what is installed, where models can run and where things are; fails if something is broken."""
    import os
    import platform
    from importlib import metadata
    from importlib.util import find_spec

    import cctview
    from cctview.models import installed_models, library_folder, providers

    libraries = ("numpy", "scipy", "opencv-python-headless", "onnxruntime", "lancedb", "pyarrow", "av")
    checked = {record.name: len(record.verified_weights()) for record in installed_models()}
    looked = _examined(store) if store else {}
    answer(
        {
            "cctview": metadata.version("cctview"),
            "python": platform.python_version(),
            "system": platform.platform(),
            "processors": os.cpu_count(),
            "package": str(Path(cctview.__file__).parent),
            "libraries": {name: _version(name) for name in libraries},
            "providers": list(providers()) if find_spec("onnxruntime") else [],
            "model library": str(library_folder()),
            "models": {name: f"{size:,} bytes, sha256 as recorded" for name, size in checked.items()},
            **looked,
        },
        as_json=as_json,
    )
    if looked.get("store is whole") is False:
        raise typer.Exit(1)


def _examined(store: Path) -> dict[str, Any]:
    """Return what a check of the store found, and the cameras in it that its network does not know."""
    from cctview.errors import CctviewError
    from cctview.network import CameraNetwork
    from cctview.store import check_store, open_store
    from cctview.types import Frames

    checked = check_store(str(store))
    said: dict[str, Any] = {
        "store is whole": checked.whole,
        "damaged": [f"{item}" for item in checked.findings],
        "not looked at": list(checked.notes),
    }
    try:
        opened = open_store(store)
        cameras = sorted(set(opened.columns(Frames, ["camera"]).column("camera").to_pylist()))
        unknown = (opened.network or CameraNetwork()).unknown(cameras)
    except CctviewError:
        return said
    return {**said, "cameras the network does not know": list(unknown)}


def _version(library: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def bench_pipeline(
    stills: Annotated[Path | None, typer.Option(help="A folder of stills; simulated ones by default.")] = None,
    network: Annotated[Path | None, typer.Option(help="Camera network file of that folder.")] = None,
    minutes: Annotated[float, typer.Option(min=0.5, help="Minutes of simulated stills.")] = 4.0,
    detector: DetectorName = "cctview-det",
    embedder: EmbedderName = "cctview-reid",
    as_json: Json = False,
) -> None:
    """Time the whole run on stills into a store that is thrown away, and compare with the original."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="cctview-bench-") as folder, interruptible():
        source = stills or _simulated(Path(folder) / "stills", minutes)
        plan = network or source / "network.toml"
        answer(
            _timed_run(source, plan if plan.exists() else None, Path(folder) / "store", detector, embedder),
            as_json=as_json,
        )


def _peak_memory_mb() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has no such count
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def _simulated(folder: Path, minutes: float) -> Path:
    from cctview.sim import SimSettings, simulate, write_stills

    write_stills(simulate(SimSettings(minutes=minutes)), folder)
    return folder


def _timed_run(stills: Path, plan: Path | None, store: Path, detector: str, embedder: str) -> dict[str, Any]:
    import os

    from cctview.detect import load_detector
    from cctview.embed import load_embedder
    from cctview.network import load_network
    from cctview.pipeline import run
    from cctview.privacy import Policy
    from cctview.sources import open_source
    from cctview.store import create_store

    roads = load_network(plan) if plan else None
    with progress() as show:
        report = run(
            open_source(stills, usual_timezone=roads.timezone if roads else None),
            create_store(store, Policy.default("a benchmark, thrown away")),
            roads,
            load_detector(detector),
            load_embedder(embedder),
            progress=show,
        )
    count = max(report.stills, 1)
    original = _ORIGINAL_STILL_S + _ORIGINAL_CROP_S * report.detections / count
    return {
        "stills": report.stills,
        "detections": report.detections,
        "processors": os.cpu_count(),
        "stills per second": round(count / report.seconds, 1),
        "ms per still, summed over threads": {
            stage: round(1000 * spent / count, 3) for stage, spent in report.stage_seconds.items()
        },
        "peak memory MB": _peak_memory_mb(),
        "the original's models, seconds per still": round(original, 2),
        "times faster than the original's models": round(original * count / report.seconds),
    }
