"""Traffic: how many vehicles, of which type, how long they took, and which stills are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from nicegui import ui

from cctview.svg import charts
from cctview.svg.markup import Markup, tag
from cctview.web.model import answers
from cctview.web.model.reading import Reading
from cctview.web.model.wording import Clock, duration, length, speed
from cctview.web.pages.column import NO_STILLS
from cctview.web.pages.site import Site
from cctview.web.pages.theme import dressed, heading, html, panel

__all__ = ["show"]

_WIDTHS = (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)
_BARS = 24
_GAP_S = 10.0
_LEFT_OUT = "Left out, by bin, direction and type: {} counts of fewer than {} passages."
_FEW = "Too few vehicles to say: the policy asks for {} before anything is told about them."


def show(site: Site, camera: str | None = None) -> None:
    """Lay the page out; ``camera`` narrows the counts to one camera."""
    reading = site.reading
    with dressed("Traffic"):
        heading("Traffic", "Counts and travel times, from vehicles that were followed from camera to camera.")
        span = reading.span()
        if span is None:
            html(NO_STILLS)
            return
        with ui.element("div").classes("cards"):
            _counted(reading, camera, span)
            _along_links(reading)
            _by_camera(reading, span)
            _covered(reading, span)


def _counted(reading: Reading, camera: str | None, span: tuple[datetime, datetime]) -> None:
    clock = Clock(reading.timezone)
    width = _bin_width(span)

    def draw(chosen: str | None) -> None:
        found = reading.counts(chosen, *_whole(span), width)
        labels = [_label(time, width, clock) for time in found.times]
        bars.content = charts.stacked("Passages over time by type", found.counts, labels)
        few.content = tag("p", _LEFT_OUT.format(found.left_out, reading.policy.minimum_group), class_="soft")
        pie.content = charts.donut("Passages by type", {kind: sum(row) for kind, row in found.counts.items()})

    names = {known.id: known.name for known in reading.cameras() if known.frames}
    chosen = camera if camera in names else None
    first = next(iter(names), None)
    with panel("Passages over time", f"vehicles that drove through the view, per {duration(width)}"):
        _choice("Camera", names, chosen or first or "", draw)
        bars = html(Markup())
        few = html(Markup())
    with panel("By type"):
        pie = html(Markup())
    draw(chosen or first)


def _along_links(reading: Reading) -> None:
    links = [link for link in reading.links() if reading.traffic(link.origin, link.target)]
    names = {camera.id: camera.name for camera in reading.cameras()}
    with panel("Travel times", classes="wide"):
        if not links:
            html(charts.empty("No vehicle was followed over a link yet. Give the run a camera network with links."))
            return
        html(tag("div", _table(reading, links, names), class_="scroll", tabindex=0))
    titles = {str(n): f"{names[link.origin]} to {names[link.target]}" for n, link in enumerate(links)}

    def draw(chosen: str) -> None:
        link = links[int(chosen)]
        found = reading.crossings(link.origin, link.target)
        few = charts.empty(_FEW.format(reading.policy.minimum_group))
        spread.content = _spread(found) if found.seconds else few
        course.content = _course(found, Clock(reading.timezone)) if found.seconds else few

    busiest = max(range(len(links)), key=lambda n: _vehicles(reading, links[n]))
    with panel("How long they took"):
        _choice("Link", titles, str(busiest), draw)
        spread = html(Markup())
    with panel("Over the day", "each dot a vehicle, the line their running median"):
        course = html(Markup())
    draw(str(busiest))


def _vehicles(reading: Reading, link: answers.Link) -> int:
    found = reading.traffic(link.origin, link.target)
    return found.vehicles if found else 0


def _table(reading: Reading, links: Sequence[answers.Link], names: dict[str, str]) -> Markup:
    heads = ("Link", "Length", "Vehicles", "Fast tenth", "Median", "Slow tenth", "Speed")
    head = tag("tr", (tag("th", name, scope="col", class_="amount" if n else None) for n, name in enumerate(heads)))
    return tag("table", tag("thead", head), tag("tbody", (_row(reading, link, names) for link in links)))


def _row(reading: Reading, link: answers.Link, names: dict[str, str]) -> Markup:
    found = reading.traffic(link.origin, link.target)
    times = (found.p10_s, found.median_s, found.p90_s) if found else (None,) * 3
    cells = [
        length(link.metres),
        f"{found.vehicles if found else 0:,}",
        *("none" if value is None else duration(value) for value in times),
        speed(found.speed) if found and found.speed else "none",
    ]
    name = f"{names[link.origin]} to {names[link.target]}"
    return tag("tr", tag("td", name), (tag("td", cell, class_="amount") for cell in cells))


def _spread(found: answers.Crossings) -> Markup:
    seconds = np.array(found.seconds)
    return charts.histogram("Travel times", seconds, "s", float(np.median(seconds)))


def _course(found: answers.Crossings, clock: Clock) -> Markup:
    x = np.array([time.timestamp() for time in found.departures])
    places = np.linspace(x.min(), x.max(), 5)
    ticks = [(float(place), clock.minute(datetime.fromtimestamp(place, UTC))) for place in places]
    return charts.course("Travel time by time of departure", x, np.array(found.seconds), "s", ticks)


def _by_camera(reading: Reading, span: tuple[datetime, datetime]) -> None:
    clock, width = Clock(reading.timezone), _bin_width(span, bars=12)
    cameras = [camera for camera in reading.cameras() if camera.frames]
    counted = [reading.counts(camera.id, *_whole(span), width) for camera in cameras]
    columns = sorted({time for found in counted for time in found.times})
    values = np.array([_totals(found, columns) for found in counted], float)
    with panel("Hour by camera", f"passages per {duration(width)}", "wide"):
        labels = [_label(time, width, clock) for time in columns]
        html(charts.heat("Passages by camera and time", values, [camera.name for camera in cameras], labels))


def _covered(reading: Reading, span: tuple[datetime, datetime]) -> None:
    clock = Clock(reading.timezone)
    cameras = [camera for camera in reading.cameras() if camera.frames]
    rows = [(camera.name, _parts(reading, camera, span)) for camera in cameras]
    longest = Counter({camera.name: camera.longest_gap_s or 0.0 for camera in cameras}).most_common(1)
    aside = f"longest gap {duration(longest[0][1])}, {longest[0][0]}" if longest else None
    with panel("Coverage of the stills", aside, "wide"):
        html(charts.spans("When stills are there, by camera", rows, (clock.moment(span[0]), clock.moment(span[1]))))


def _parts(reading: Reading, camera: answers.Camera, span: tuple[datetime, datetime]) -> list[tuple[float, float]]:
    """Return the parts of the whole time in which a camera has stills, as shares of it."""
    if camera.first_time is None or camera.last_time is None:
        return []
    gaps = reading.gaps(camera.id, max(_GAP_S, 4 * (camera.interval_s or 0.0)))
    begins = [camera.first_time, *(after for _, after in gaps)]
    ends = [*(before for before, _ in gaps), camera.last_time]
    whole = max((span[1] - span[0]).total_seconds(), 1.0)
    return [
        ((begin - span[0]).total_seconds() / whole, (end - span[0]).total_seconds() / whole)
        for begin, end in zip(begins, ends, strict=True)
    ]


def _choice(name: str, options: dict[str, str], chosen: str, change: object) -> None:
    """Offer a choice of one; ``change`` is called with the key of what was chosen."""
    listed = [tag("option", label, value=key, selected=key == chosen) for key, label in options.items()]
    field = html(tag("label", name, tag("select", listed), class_="field"))
    field.on("change", lambda event: change(event.args), js_handler="(e) => emit(e.target.value)")  # type: ignore[operator]


def _bin_width(span: tuple[datetime, datetime], bars: int = _BARS) -> float:
    whole = (span[1] - span[0]).total_seconds()
    return float(next((width for width in _WIDTHS if width * bars >= whole), _WIDTHS[-1]))


def _whole(span: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
    return span[0], span[1] + timedelta(seconds=1)


def _label(time: datetime, width: float, clock: Clock) -> str:
    here = clock.local(time)
    if width < 60:
        return f"{here:%H:%M:%S}"
    return f"{here:%H:%M}" if width < 21600 else f"{here:%d %b %H h}"


def _totals(found: answers.Counts, columns: Sequence[datetime]) -> list[int]:
    """Return the passages of all types in each of these bins."""
    rows = np.array(list(found.counts.values()), int).reshape(len(found.counts), -1).sum(axis=0)
    by_time = dict(zip(found.times, rows.tolist(), strict=True)) if found.counts else {}
    return [by_time.get(time, 0) for time in columns]
