"""Cameras: the last still of each, how steadily it sends, and what its traffic has taught."""

from __future__ import annotations

import numpy as np
from nicegui import ui

from cctview.types import Breaks
from cctview.web import charts
from cctview.web.answers import Camera
from cctview.web.flow import flows, heights
from cctview.web.markup import Markup, fragment, tag
from cctview.web.moments import from_micros
from cctview.web.pages.column import NO_STILLS
from cctview.web.reading import Reading
from cctview.web.theme import dressed, heading, html, panel
from cctview.web.wording import Clock, duration

__all__ = ["cameras_page"]

_PATHS = 2000
_LONG_GAPS = 5
_BREAKS = {"turned": "Turned", "frozen": "Frozen", "clock": "Clock jumped"}
_ARROW = Markup(
    '<marker id="tip" viewBox="0 0 6 6" refX="4" refY="3" markerWidth="3" markerHeight="3" orient="auto">'
    '<path d="M0 0L6 3L0 6Z"/></marker>'
)


def cameras_page(reading: Reading) -> None:
    """Lay the page out: one card per camera."""
    with dressed("Cameras"):
        heading(
            "Cameras", "The last still of each, how steadily they come, and the ways that vehicles take through it."
        )
        if reading.span() is None:
            html(NO_STILLS)
            return
        with ui.element("div").classes("cards"):
            for camera in reading.cameras():
                _card(reading, camera)


def _card(reading: Reading, camera: Camera) -> None:
    clock = Clock(reading.timezone)
    with panel(camera.name, camera.id if camera.id != camera.name else None), ui.element("div").classes("stack"):
        if camera.last_frame is None:
            html(charts.empty("In the camera network, but no still of it is stored."))
            return
        html(_view(reading, camera, camera.last_frame))
        html(_facts(reading, camera, clock))
        html(_breaks(reading.store.scan(Breaks, camera=camera.id), clock)).classes("actions")
        tall = heights(reading.paths(camera.id, _PATHS))
        html(tag("h3", "How tall vehicles are in its stills"))
        html(charts.histogram(f"Heights of boxes, {camera.name}", tall, "px"))


def _view(reading: Reading, camera: Camera, last: str) -> Markup:
    """Return the last still with the learnt ways drawn on it."""
    frame = reading.frame(last)
    arrows, counts = flows(reading.paths(camera.id, _PATHS), frame.width, frame.height)
    most = counts.max(initial=1)
    lines = [
        tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke_opacity=0.45 + 0.55 * count / most, marker_end="url(#tip)")
        for (x1, y1, x2, y2), count in zip(arrows.tolist(), counts.tolist(), strict=True)
    ]
    box = f"0 0 {frame.width} {frame.height}"
    name = f"{len(lines)} arrows where vehicles drive, learnt from their tracklets"
    layer = tag("svg", tag("defs", _ARROW), lines, viewBox=box, class_="flows", role="img", aria_label=name)
    image = tag("img", src=f"/api/v1/frames/{last}/image", alt=f"Last still of {camera.name}", loading="lazy")
    return tag("figure", image, layer, class_="still", style=f"aspect-ratio:{frame.width}/{frame.height}")


def _facts(reading: Reading, camera: Camera, clock: Clock) -> Markup:
    interval = camera.interval_s or 0.0
    gaps = reading.gaps(camera.id, max(_LONG_GAPS * interval, 10.0))
    told = {
        "Stills": f"{camera.frames:,}",
        "One every": f"{interval:.1f} s" if interval else "none",
        "Vehicles": f"{camera.tracklets:,}",
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
