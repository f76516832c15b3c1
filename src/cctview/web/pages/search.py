"""Search: a picture of a vehicle in, the vehicles that look most like it out, and a line in the log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nicegui import ui

from cctview.svg.charts import empty
from cctview.svg.markup import Markup, tag
from cctview.types import VEHICLE_TYPES
from cctview.web.model.reading import Reading
from cctview.web.model.search import COLOURS
from cctview.web.model.wording import Clock
from cctview.web.pages.drop import SearchForm
from cctview.web.pages.site import Site
from cctview.web.pages.theme import dressed, heading, html, panel

__all__ = ["show"]

_BEFORE = empty("What looks most like the picture will stand here, nearest first.")
_NONE = empty("Nothing stored answers to these filters. Widen the time, or take a filter out.")


def show(site: Site, detection: str | None = None) -> None:
    """Lay the page out; ``detection`` is a box to search with instead of a picture."""
    reading = site.reading
    clock = Clock(reading.timezone)
    names = {camera.id: camera.name for camera in reading.cameras()}
    with dressed("Search"):
        heading("Search", "Find the vehicles that look like one in a picture. Every search is logged with its purpose.")
        with ui.element("div").classes("searching"):
            with panel("Look for"):
                form = SearchForm(detection, f"/api/v1/tracklets/{detection}/crop" if detection else None, clock.zone)
                with form:
                    html(_fields(reading, clock))
            with panel("Found"), ui.element("div").props('aria-live="polite"'):
                results = html(_BEFORE)
        form.on("found", lambda event: results.set_content(_found(event.args, names, clock)))


def _fields(reading: Reading, clock: Clock) -> Markup:
    cameras = {camera.id: camera.name for camera in reading.cameras() if camera.frames}
    return tag(
        "div",
        _field(
            "Purpose (needed, goes into the log)",
            tag("input", name="purpose", required=True, maxlength=300, autocomplete="off"),
            "wide",
        ),
        _field("Camera", _options("camera", "Any camera", cameras)),
        _field("Type", _options("type", "Any type", {kind: kind for kind in VEHICLE_TYPES})),
        _field("Colour", _options("colour", "Any colour", {colour: colour for colour in COLOURS})),
        _field(f"After ({clock.place})", tag("input", type="datetime-local", name="after", step=1), "wide"),
        _field(f"Before ({clock.place})", tag("input", type="datetime-local", name="before", step=1), "wide"),
        class_="fields",
    )


def _field(name: str, control: Markup, classes: str = "") -> Markup:
    return tag("label", name, control, class_=f"field {classes}")


def _options(name: str, all_of_them: str, options: dict[str, str]) -> Markup:
    listed = [tag("option", label, value=key) for key, label in options.items()]
    return tag("select", tag("option", all_of_them, value=""), listed, name=name)


def _found(items: list[dict[str, Any]], names: dict[str, str], clock: Clock) -> Markup:
    return tag("div", (_item(item, names, clock) for item in items), class_="found") if items else _NONE


def _item(item: dict[str, Any], names: dict[str, str], clock: Clock) -> Markup:
    seen = item["detection"]
    time = datetime.fromisoformat(seen["time"])
    there = f"/follow?tracklet={seen['tracklet']}" if seen["tracklet"] else f"/follow?camera={seen['camera']}"
    return tag(
        "a",
        tag("img", src=f"/api/v1/tracklets/{seen['id']}/crop", alt="", loading="lazy", data_crop=True),
        tag("b", names.get(seen["camera"], seen["camera"])),
        tag("span", clock.time(time)),
        tag("span", f"{item['colour']} {seen['type']} · distance {item['distance']:.2f}", class_="small soft"),
        href=there,
    )
