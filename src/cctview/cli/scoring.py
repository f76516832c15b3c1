"""Verbs that score on data with truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cctview.cli.screen import Json, answer, interruptible

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    group = typer.Typer(help="Score on data with truth.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("detection")(detection)
    app.add_typer(group, name="eval")


def detection(
    truth: Annotated[Path, typer.Option(help="Hand-labelled boxes, a COCO file.")],
    images: Annotated[Path, typer.Option(help="The folder its images lie in, at any depth.")],
    detector: str = "cctview-det",
    ignore_above: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the height, from the top, without labels.")
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """AP50, AP50:95, AP by size and recall at precision 0.97: of vehicles merged, and of each type."""
    from cctview.detect import DetectSettings, load_detector
    from cctview.evaluate import evaluate_detection, read_coco

    with interruptible():
        table = read_coco(truth, images, ignore_above=ignore_above)
        scores = evaluate_detection(table, load_detector(detector, DetectSettings(min_score=0.01)))
    answer(
        {name: {what: round(value, 4) for what, value in values.items()} for name, values in scores.items()},
        as_json=as_json,
    )
