"""Cameras: the last still of each, how steadily it sends, and what its traffic has taught."""

from __future__ import annotations

import numpy as np
from nicegui import ui
from numpy.typing import NDArray

from cctview.geometry import size
from cctview.svg import charts
from cctview.svg.markup import Markup, fragment, tag
from cctview.types import Breaks, Lanes, Tracklets
from cctview.web.model import answers
from cctview.web.model.moments import from_micros
from cctview.web.model.reading import Reading
from cctview.web.model.wording import Clock, duration
from cctview.web.pages.column import NO_STILLS
from cctview.web.pages.lanes import lane_layer, lane_legend
from cctview.web.pages.site import Site
from cctview.web.pages.theme import dressed, heading, html, panel

__all__ = ["show"]

_LONG_GAPS = 5
_BREAKS = {"turned": "Turned", "frozen": "Frozen", "clock": "Clock jumped"}


def show(site: Site) -> None:
    """Lay the page out: one card per camera."""
    reading = site.reading
    with dressed("Cameras"):
        heading(
            "Cameras", "The last still of each, how steadily they come, and the lanes that vehicles take through it."
        )
        if reading.span() is None:
            html(NO_STILLS)
            return
        with ui.element("div").classes("cards"):
            for camera in reading.cameras():
                _card(reading, camera)


def _card(reading: Reading, camera: answers.Camera) -> None:
    clock = Clock(reading.timezone)
    with panel(camera.name, camera.id if camera.id != camera.name else None), ui.element("div").classes("stack"):
        if camera.last_frame is None:
            html(charts.empty("In the camera network, but no still of it is stored."))
            return
        lanes = reading.lanes(camera.id)
        html(_view(reading, camera, camera.last_frame, lanes))
        html(lane_legend(lanes))
        html(_facts(reading, camera, clock))
        html(_breaks(reading.breaks(camera.id), clock)).classes("actions")
        html(tag("h3", "How tall vehicles are in its stills"))
        html(charts.histogram(f"Heights of boxes, {camera.name}", _heights(reading.paths(camera.id)), "px"))


def _view(reading: Reading, camera: answers.Camera, last: str, lanes: Lanes) -> Markup:
    """Return the last still with the learnt lanes drawn on it."""
    frame = reading.frame(last)
    image = tag("img", src=f"/api/v1/frames/{last}/image", alt=f"Last still of {camera.name}", loading="lazy")
    layer = lane_layer(lanes, frame.width, frame.height)
    return tag("figure", image, layer, class_="still", style=f"aspect-ratio:{frame.width}/{frame.height}")


def _heights(paths: Tracklets) -> NDArray[np.float32]:
    """Return how tall each tracklet's larger box is, in pixels (T,)."""
    return np.maximum(size(paths.first_box)[:, 1], size(paths.last_box)[:, 1])


def _facts(reading: Reading, camera: answers.Camera, clock: Clock) -> Markup:
    interval = camera.interval_s or 0.0
    gaps = reading.gaps(camera.id, max(_LONG_GAPS * interval, 10.0))
    told = {
        "Stills": f"{camera.frames:,}",
        "One every": f"{interval:.1f} s" if interval else "none",
        "Passages": "too few to say" if camera.passages is None else f"{camera.passages:,}",
        "Gaps": f"{len(gaps)}",
        "Longest gap": duration(camera.longest_gap_s or 0.0),
        "Last still": clock.time(camera.last_time) if camera.last_time else "none",
    }
    facts = tag("dl", (tag("div", tag("dt", name), tag("dd", value)) for name, value in told.items()), class_="facts")
    return fragment(facts)


def _breaks(found: Breaks, clock: Clock) -> Markup:
    """Return what was wrong with a camera's stills, how often, and when last."""
    times = {kind: found.time[found.kind == kind].astype("datetime64[us]").astype(np.int64) for kind in _BREAKS}
    told = [
        tag(
            "span",
            f"{_BREAKS[kind]} {len(time)} times, last {clock.moment(from_micros(time.max()))}",
            class_="badge alert",
        )
        for kind, time in times.items()
        if len(time)
    ]
    return fragment(told) if told else tag("span", "Never turned, frozen, or out of time", class_="badge")
