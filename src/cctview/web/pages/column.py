"""The middle of Follow: the head of the still, and the chain as a column of cameras below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from cctview.svg.charts import empty
from cctview.svg.markup import Markup, tag
from cctview.web.model import answers
from cctview.web.model.chain import Chain, largest
from cctview.web.model.wording import Clock

__all__ = ["EMPTY", "NO_STILLS", "TITLE", "boxed", "of_camera", "of_chain"]

Size = tuple[int, int]

EMPTY = Markup("")
TITLE = tag("h1", "Follow a vehicle", class_="hidden-name")
NO_STILLS = empty("Nothing is stored yet. Fill the store with `cctview run STILLS STORE --network NETWORK.toml`.")
_SAVED = {"geojson": "GeoJSON", "csv": "CSV", "picture": "Picture"}


def of_camera(camera: answers.Camera, time: datetime | None, clock: Clock) -> Markup:
    """Return the name of the camera being looked at, and a field for the time to go to."""
    if time is None:
        return tag("h2", camera.name)
    field = tag("input", type="datetime-local", step=1, value=clock.typed(time), aria_label="Go to this time")
    return Markup(tag("h2", camera.name) + tag("label", field, class_="field"))


def of_chain(
    chain: Chain, active: int, cameras: Mapping[str, answers.Camera], sizes: Sequence[Size], clock: Clock
) -> Markup:
    """Return the chain: each camera's still with the vehicle, and what lies between two of them."""
    if not chain.stations:
        return EMPTY
    parts = []
    for n, station in enumerate(chain.stations):
        if n:
            parts.append(tag("li", chain.legs[n - 1].words(), class_="leg"))
        parts.append(_station(n, station, cameras[station.tracklet.camera], sizes[n], clock, current=n == active))
    return tag("section", _head(len(chain.stations)), tag("ol", parts, class_="chain"), class_="panel")


def boxed(frame: str, box: tuple[float, float, float, float], size: Size, name: str) -> Markup:
    """Return a still with one box on it."""
    x1, y1, x2, y2 = box
    mark = tag("rect", x=x1, y=y1, width=x2 - x1, height=y2 - y1, rx=1)
    layer = tag("svg", mark, viewBox=f"0 0 {size[0]} {size[1]}", class_="marks", aria_hidden="true")
    shape = f"aspect-ratio:{size[0]}/{size[1]}"
    image = tag("img", src=f"/api/v1/frames/{frame}/image", alt=name, loading="lazy")
    return tag("figure", image, layer, class_="still", style=shape)


def _head(stations: int) -> Markup:
    play = tag("button", "Play the journey", type="button", class_="main", data_emit="play")
    save = [
        tag("button", name, type="button", data_emit=key, aria_label=f"Save as {name}") for key, name in _SAVED.items()
    ]
    title = "The journey so far" if stations > 1 else "The journey begins here"
    return tag("header", tag("h2", title), tag("div", play, save, class_="actions"))


def _station(
    n: int, station: answers.Sighting, camera: answers.Camera, size: Size, clock: Clock, *, current: bool
) -> Markup:
    box, seen = largest(station), station.tracklet
    told = f"{seen.type}, in {len(station.detections)} stills until {clock.time(seen.last_time)}"
    about = tag(
        "div",
        tag("h3", camera.name),
        tag("span", clock.time(box.time), class_="number"),
        tag("span", told, class_="soft"),
        tag("button", "Look here", type="button", data_emit=str(n), aria_label=f"Look at {camera.name}"),
        class_="about",
    )
    still = boxed(box.frame, box.box, size, f"{camera.name} at {clock.time(box.time)}")
    return tag("li", still, about, class_="station", aria_current="step" if current else None)
