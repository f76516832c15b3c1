"""Charts as SVG that takes its colours from the page: one accent, otherwise ink, in dark and light.

Every chart is an image with a name, and every mark says its value when pointed at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from cctview.svg.markup import Child, Markup, fragment, tag

__all__ = ["course", "donut", "empty", "heat", "histogram", "meter", "spans", "stacked", "strip"]

Floats = NDArray[np.floating]
_WIDTH, _HEIGHT = 640.0, 200.0
_DEEPEST = 55  # per cent of accent that dark and light ink can still be read on
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 8.0, 10.0, 24.0


def stacked(name: str, counts: Mapping[str, Sequence[int]], labels: Sequence[str]) -> Markup:
    """Return bars of counts by kind (K kinds of N bins), the first kind at the bottom."""
    values = np.array(list(counts.values()), float).reshape(len(counts), len(labels))
    if not values.sum():
        return empty("Nothing was counted in this time.")
    top = _ceiling(values.sum(axis=0).max())
    tops = _y(values.cumsum(axis=0), top)
    heights = values / top * (_HEIGHT - _TOP - _BOTTOM)
    step = (_WIDTH - _LEFT - _RIGHT) / len(labels)
    bars = (
        tag(
            "rect",
            tag("title", f"{labels[n]}: {int(values[k, n])} {kind}"),
            x=_LEFT + n * step + step * 0.1,
            y=float(tops[k, n]),
            width=step * 0.8,
            height=float(heights[k, n]),
            class_=f"series-{k}",
        )
        for k, kind in enumerate(counts)
        for n in np.flatnonzero(values[k]).tolist()
    )
    ticks = [(_LEFT + (n + 0.5) * step, labels[n]) for n in _some(len(labels))]
    return fragment(_plot(name, _rows(top), _columns(ticks), bars), legend(list(counts)))


def histogram(name: str, values: Floats, unit: str, mark: float | None = None, bins: int = 24) -> Markup:
    """Return how often values (N,) fall into equal bins; ``mark`` is drawn as a line, e.g. a median."""
    if not len(values):
        return empty("No value yet.")
    low, high = float(np.min(values)), float(np.max(values))
    counts, edges = np.histogram(values, bins, (low, high) if high > low else (low - 0.5, high + 0.5))
    top = _ceiling(float(counts.max()))
    x = _x(edges, edges[0], edges[-1])
    bars = (
        tag(
            "rect",
            tag("title", f"{edges[n]:.0f} to {edges[n + 1]:.0f} {unit}: {counts[n]}"),
            x=float(x[n]) + 1,
            y=float(_y(counts[n], top)),
            width=float(x[n + 1] - x[n]) - 2,
            height=float(counts[n] / top * (_HEIGHT - _TOP - _BOTTOM)),
            class_="series-1",
        )
        for n in np.flatnonzero(counts).tolist()
    )
    places = np.linspace(edges[0], edges[-1], 5)
    ticks = [(float(_x(place, edges[0], edges[-1])), f"{place:.0f} {unit}") for place in places]
    line = _mark(float(_x(mark, edges[0], edges[-1])), f"{mark:.0f} {unit}") if mark is not None else None
    return _plot(name, _rows(top), _columns(ticks), bars, line)


def course(name: str, x: Floats, y: Floats, unit: str, ticks: Sequence[tuple[float, str]]) -> Markup:
    """Return single values as dots with their running median (of 9) as a line: (N,) against (N,)."""
    if not len(x):
        return empty("No value yet.")
    low, high = float(x.min()), max(float(x.max()), float(x.min()) + 1)
    top = _ceiling(float(y.max()))
    across, up = _x(x, low, high), _y(y, top)
    dots = (
        tag("circle", tag("title", f"{value:.0f} {unit}"), cx=float(a), cy=float(b), r=2.2, class_="dot")
        for a, b, value in zip(across, up, y, strict=True)
    )
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, _y(_running_median(y), top), strict=True))
    line = tag("polyline", points=path, class_="line")
    places = [(float(_x(place, low, high)), label) for place, label in ticks if low <= place <= high]
    return _plot(name, _rows(top), _columns(places), dots, line)


def heat(name: str, values: Floats, rows: Sequence[str], columns: Sequence[str]) -> Markup:
    """Return a table of coloured cells (R, C): the fuller, the more accent; each cell says its value."""
    if not values.size or not values.max():
        return empty("Nothing was counted in this time.")
    share = values / values.max()
    head = tag("tr", tag("td"), (tag("th", column, scope="col") for column in columns))
    body = (
        tag("tr", tag("th", row, scope="row"), (_cell(values[r, c], share[r, c]) for c in range(len(columns))))
        for r, row in enumerate(rows)
    )
    return tag("div", tag("table", head, body, class_="heat", aria_label=name), class_="scroll", tabindex=0)


def donut(name: str, counts: Mapping[str, int]) -> Markup:
    """Return shares of a whole as a ring, largest first, with a legend that names every share."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    total = sum(counts.values())
    if not total:
        return empty("No detections yet.")
    ends = np.cumsum([0, *(count for _, count in ordered)]) / total
    arcs = (
        tag("path", tag("title", f"{kind}: {count:,}"), d=_arc(ends[n], ends[n + 1]), class_=f"arc series-{n}")
        for n, (kind, count) in enumerate(ordered)
    )
    middle = tag("text", f"{total:,}", x=100, y=106, class_="total", text_anchor="middle")
    ring = tag("svg", arcs, middle, viewBox="0 0 200 200", role="img", aria_label=name, class_="donut")
    named = [f"{kind} {count:,} ({count / total:.0%})" for kind, count in ordered]
    return tag("div", ring, legend(named), class_="pie")


def spans(name: str, rows: Sequence[tuple[str, Sequence[tuple[float, float]]]], ends: tuple[str, str]) -> Markup:
    """Return one bar per row with the parts of it that are covered, as shares of the whole time."""
    lines = (
        tag(
            "div",
            tag("span", label, class_="label"),
            tag("span", (_span(*part) for part in parts), class_="track"),
            class_="span-row",
        )
        for label, parts in rows
    )
    foot = tag("div", tag("span"), tag("span", tag("span", ends[0]), tag("span", ends[1])), class_="span-row ends")
    return tag("div", lines, foot, role="img", aria_label=name, class_="spans")


def strip(name: str, vector: Floats) -> Markup:
    """Return a vector (D,) as a strip of colours: accent above zero, ink below, paler towards zero."""
    size = np.abs(vector) / max(float(np.abs(vector).max()), 1e-9)
    cells = (
        tag("rect", x=n, width=1.02, height=12, class_="plus" if value > 0 else "minus", fill_opacity=float(share))
        for n, (value, share) in enumerate(zip(vector, size, strict=True))
    )
    box = f"0 0 {len(vector)} 12"
    return tag("svg", cells, viewBox=box, preserveAspectRatio="none", role="img", aria_label=name, class_="strip")


def meter(share: float) -> Markup:
    """Return a share of 1 as a short bar; the number itself stands beside it."""
    return tag("span", tag("i", style=f"width:{share:.1%}"), class_="meter", aria_hidden="true")


def legend(names: Sequence[str]) -> Markup:
    """Return the names of the kinds in a chart with their colours."""
    return tag("ul", (tag("li", tag("i", class_=f"series-{n}"), name) for n, name in enumerate(names)), class_="legend")


def empty(message: str) -> Markup:
    """Return what stands where a chart would be, when there is nothing to draw."""
    return tag("p", message, class_="empty")


def _plot(name: str, *parts: Child) -> Markup:
    return tag("svg", *parts, viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", role="img", aria_label=name, class_="plot")


def _rows(top: float) -> Markup:
    levels = np.linspace(0, top, 3)
    return fragment(
        fragment(
            tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=float(y), y2=float(y), class_="grid"),
            tag("text", f"{level:g}", x=_LEFT - 6, y=float(y) + 4, text_anchor="end"),
        )
        for level, y in zip(levels, _y(levels, top), strict=True)
    )


def _columns(ticks: Sequence[tuple[float, str]]) -> Markup:
    return fragment(
        tag("text", label, x=min(max(x, _LEFT + 8), _WIDTH - 30), y=_HEIGHT - 4, text_anchor="middle", class_="tick")
        for x, label in ticks
    )


def _mark(x: float, label: str) -> Markup:
    line = tag("line", x1=x, x2=x, y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="mark")
    return fragment(line, tag("text", label, x=x + 5, y=_TOP + 10, class_="marked"))


def _cell(value: float, share: float) -> Markup:
    return tag("td", f"{value:.0f}", style=f"--share:{share * _DEEPEST:.0f}%")


def _span(start: float, end: float) -> Markup:
    return tag("i", style=f"left:{start:.2%};width:{max(end - start, 0.002):.2%}")


def _arc(start: float, end: float) -> str:
    end = min(end, start + 0.99999)
    points = [(100 + 82 * sin(2 * pi * share), 100 - 82 * cos(2 * pi * share)) for share in (start, end)]
    (x1, y1), (x2, y2) = points
    return f"M{x1:.2f},{y1:.2f}A82,82,0,{int(end - start > 0.5)},1,{x2:.2f},{y2:.2f}"


def _ceiling(value: float) -> float:
    """Return the next of 2, 4, 6, 10, 20, 40 ... that is not below the value, so that halves are whole."""
    scale = 10.0 ** np.floor(np.log10(max(value, 2)))
    return float(next(step * scale for step in (1, 2, 4, 6, 10) if step * scale >= value and step * scale >= 2))


def _x(value: Floats | float, low: float, high: float) -> Floats:
    return _LEFT + (np.asarray(value) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)


def _y(value: Floats | float, top: float) -> Floats:
    return _HEIGHT - _BOTTOM - np.asarray(value) / top * (_HEIGHT - _TOP - _BOTTOM)


def _some(count: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, min(count, 6)).round().astype(int)).tolist()


def _running_median(values: Floats, width: int = 9) -> Floats:
    padded = np.pad(values, width // 2, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
