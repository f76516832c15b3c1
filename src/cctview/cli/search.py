"""The verb that finds vehicles by looks: search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cctview.cli.policy import time_of
from cctview.cli.screen import Json, answer

if TYPE_CHECKING:
    from cctview.seams import Store
    from cctview.store import Hits

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command()(search)


def search(
    store: Annotated[Path, typer.Argument(help="The store to search.")],
    image: Annotated[Path, typer.Option(help="A picture of one vehicle, cut close.")],
    purpose: Annotated[str, typer.Option(help="What the answer is for; it is written to the store's log.")],
    camera: Annotated[str | None, typer.Option(help="Only at this camera.")] = None,
    after: Annotated[str | None, typer.Option(help="Not before this time (ISO 8601; UTC by default).")] = None,
    before: Annotated[str | None, typer.Option(help="Before this time.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Only cars, trucks or buses: car, truck, bus.")] = None,
    colour: Annotated[str | None, typer.Option(help="Only of this coarse colour, told from the stored pixels.")] = None,
    top: Annotated[int, typer.Option(min=1, max=500, help="How many results.")] = 10,
    as_json: Json = False,
) -> None:
    """Find the stored vehicles that look most like a picture; every search is logged with its purpose."""
    import hashlib

    from cctview.cli.looks import picture_embedder
    from cctview.errors import SourceNotFoundError
    from cctview.store import SearchFilters, open_store

    filters = SearchFilters(
        camera=camera,
        after=time_of(after, "--after") if after else None,
        before=time_of(before, "--before") if before else None,
        type=kind,
        colour=colour,
    )
    if not image.is_file():
        raise SourceNotFoundError(f"{image}: there is no picture here; give the path of an image file")
    opened = open_store(store, write=True)
    picture = image.read_bytes()
    subject = f"picture sha256:{hashlib.sha256(picture).hexdigest()}"
    vector = picture_embedder(opened)(picture)
    hits = opened.search(vector, purpose=purpose, subject=subject, filters=filters, top=top)
    found = _rows(opened, hits)
    answer({"found": found if as_json else [_line(row) for row in found]}, as_json=as_json)


def _rows(store: Store, hits: Hits) -> list[dict[str, Any]]:
    from cctview.formats.tabular import detection_rows
    from cctview.types import Frames, Tracklets

    columns = detection_rows(store.scan(Frames, ids=hits.detections.frame), hits.detections, Tracklets.empty())
    wanted = ("detection", "camera", "time", "type", "score")
    rows = zip(*(columns[name].tolist() if name != "time" else columns[name] for name in wanted), strict=True)
    return [
        {
            "rank": rank + 1,
            **dict(zip(wanted, row, strict=True)),
            "time": f"{row[2]}Z",
            "distance": distance,
            "colour": colour,
        }
        for rank, (row, distance, colour) in enumerate(
            zip(rows, hits.distance.tolist(), hits.colour.tolist(), strict=True)
        )
    ]


def _line(row: dict[str, Any]) -> str:
    said = (f"{row['distance']:.3f}", row["camera"], row["time"][:19], row["type"], row["colour"], row["detection"])
    return "  ".join(filter(None, said))
