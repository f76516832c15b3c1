"""Verbs about models: list, show, verify, import, pull, bench."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cctview.cli.screen import Json, answer, interruptible, progress, say

if TYPE_CHECKING:
    from cctview.models import ModelRecord

__all__ = ["register"]

_STILLS = 4
_NAMED = 12  # labels that are printed
_RED = (255, 40, 40)
Name = Annotated[str, typer.Argument(help="Name of a model, or the path of its record or ONNX file.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    group = typer.Typer(help="The models in the package and in your library.", no_args_is_help=True)
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("verify")(verify)
    group.command("import")(import_file)
    group.command("pull")(pull)
    group.command("bench")(bench)
    app.add_typer(group, name="models")


def list_all(as_json: Json = False) -> None:
    """List the models with licence, training data and measured accuracy, and what can be pulled."""
    from cctview.models import installed_models, releases

    installed = installed_models()
    offered = sorted(releases().keys() - {record.name for record in installed})
    answer(
        {**{record.name: _summary(record) for record in installed}, "to pull": ", ".join(offered)},
        as_json=as_json,
    )


def show(name: Name, as_json: Json = False) -> None:
    """Show the record of a model: licence, origin, sha256, input, labels, accuracy and speed."""
    from cctview.models import find_model

    record = find_model(name)
    answer(
        {
            "name": record.name,
            **_summary(record),
            "origin": record.origin,
            "file": str(record.weights),
            "sha256": record.sha256,
            "input": dict(record.input),
            "labels": ", ".join(label or "-" for label in record.labels),
            "thresholds": dict(record.thresholds),
            **record.settings,
        },
        as_json=as_json,
    )


def verify(as_json: Json = False) -> None:
    """Check the weights of every model against its record."""
    from cctview.models import installed_models

    answer(
        {record.name: f"{len(record.verified_weights()):,} bytes, whole" for record in installed_models()},
        as_json=as_json,
    )


def import_file(
    file: Annotated[Path, typer.Argument(help="An .onnx file, keras-retinanet's .h5 or a DenseNet's .pth.")],
    name: Annotated[str | None, typer.Option(help="What to call it; by default after the file.")] = None,
    task: Annotated[str | None, typer.Option(help="detection or embedding, where the graph does not tell.")] = None,
    family: Annotated[str | None, typer.Option(help="Kind of outputs, where the graph does not tell.")] = None,
    labels: Annotated[Path | None, typer.Option(help="File with one class name per line; COCO's by default.")] = None,
    licence: Annotated[str, typer.Option(help="Its licence, for the record.")] = "not stated",
    origin: Annotated[str, typer.Option(help="Where it came from, for the record.")] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Input setting NAME=VALUE, such as colour=BGR or width=416.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put other people's weights into the library, to be named by --detector or --embedder."""
    from cctview.models import import_model
    from cctview.models.labels import read_labels

    with interruptible():
        record = import_model(
            file,
            name=name,
            task=task,
            family=family,
            labels=read_labels(labels) if labels else (),
            licence=licence,
            origin=origin,
            changes=_changes(settings or []),
        )
    _imported(record, as_json=as_json)


def pull(
    name: Annotated[str, typer.Argument(help="One of those `cctview models list` shows under 'to pull'.")],
    as_json: Json = False,
) -> None:
    """Fetch a model from its maker's release address, check it and put it into the library."""
    from cctview.models import pull_model

    with interruptible(), progress() as bars:
        record = pull_model(name, bars)
    _imported(record, as_json=as_json)


def bench(
    name: Name,
    rounds: Annotated[int, typer.Option(min=1, help="How often it is run.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Threads of one run.")] = 1,
    as_json: Json = False,
) -> None:
    """Time a model here on simulated stills, or on crops of them."""
    from cctview.models import RuntimeSettings, find_model

    record, runtime = find_model(name), RuntimeSettings(threads=threads)
    with interruptible():
        timed = _timed_detector if record.task == "detection" else _timed_embedder
        answer({"model": record.producer, "threads": threads, **timed(name, runtime, rounds)}, as_json=as_json)


def _summary(record: ModelRecord) -> dict[str, Any]:
    return {
        "version": record.version,
        "task": record.task,
        "licence": record.licence,
        "trained on": list(record.trained_on),
        "accuracy": [f"{row['what']} on {row['data']}: {row['value']}" for row in record.accuracy],
    }


def _imported(record: ModelRecord, *, as_json: bool) -> None:
    option = "--detector" if record.task == "detection" else "--embedder"
    say(f"name it with {option} {record.name}")
    seen = _seen(record) if record.task == "detection" else {}
    told = {"name": record.name, "task": record.task, "file": str(record.weights)}
    answer({**told, **record.settings, "labels": _labels(record), **seen}, as_json=as_json)


def _labels(record: ModelRecord) -> str:
    names = [name or "-" for name in record.labels]
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _seen(record: ModelRecord) -> dict[str, Any]:
    """Draw what a detector finds on a simulated still beside its weights, so that a wrong reading is seen."""
    from PIL import Image, ImageDraw

    from cctview.detect import load_detector
    from cctview.sim import SimSettings, simulate
    from cctview.types import Frame

    still = max(simulate(SimSettings(minutes=0.2, cameras=1)).frames(), key=lambda still: len(still.boxes))
    frame = Frame(image=still.image, camera=still.camera, time=still.time, name=still.name, digest=1)
    found = load_detector(record.name)([frame])
    picture = Image.fromarray(still.image)
    pen = ImageDraw.Draw(picture)
    for box, kind in zip(found.box.tolist(), found.type.tolist(), strict=True):
        pen.rectangle(box, outline=_RED)
        pen.text((box[0], max(box[1] - 11, 0)), kind, fill=_RED)
    path = record.weights.with_suffix(".seen.png")
    picture.save(path)
    types = dict(Counter(found.type.tolist()))
    return {"vehicles on a simulated still": len(still.boxes), "boxes found": types or "none", "look at": str(path)}


def _changes(settings: list[str]) -> dict[str, Any]:
    import tomllib

    from cctview.errors import SettingsError

    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise SettingsError(f"--set {setting!r} is not NAME=VALUE")
        try:
            changes[name] = tomllib.loads(f"x = {value}")["x"]
        except tomllib.TOMLDecodeError:
            changes[name] = value
    return changes


def _timed_detector(name: str, runtime: Any, rounds: int) -> dict[str, Any]:
    import itertools

    from cctview.detect import load_detector
    from cctview.sim import SimSettings, simulate
    from cctview.types import Frame

    stills = itertools.islice(simulate(SimSettings(minutes=0.2, cameras=1)).frames(), _STILLS)
    frames = [
        Frame(image=still.image, camera=still.camera, time=still.time, name=still.name, digest=number)
        for number, still in enumerate(stills)
    ]
    detector = load_detector(name, runtime=runtime)
    seconds = _fastest(lambda: len(detector(frames)), rounds)
    height, width = frames[0].image.shape[:2]
    return {"stills": f"{width}x{height}", "ms per still": round(1000 * seconds / len(frames), 2)}


def _timed_embedder(name: str, runtime: Any, rounds: int) -> dict[str, Any]:
    import numpy as np

    from cctview.embed import load_embedder

    embedder, batch = load_embedder(name, runtime), 16
    shape = (batch, embedder.cropping.height, embedder.cropping.width, 3)
    crops = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    seconds = _fastest(lambda: len(embedder(crops)), rounds)
    return {"batch": batch, "ms per crop": round(1000 * seconds / batch, 3)}


def _fastest(work: Any, rounds: int) -> float:
    """Return the seconds of the fastest of several rounds, after one to warm up."""
    import timeit

    work()
    return min(timeit.repeat(work, number=1, repeat=rounds))
