"""A reliability diagram: one SVG file that stands alone, without scripts, in light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cctview.metrics.calibration import Answers, Reliability
from cctview.svg.markup import Markup, fragment, tag

__all__ = ["reliability_diagram"]

_MARGIN, _GAP = 32.0, 28.0
_LINE = 16.0
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LETTER = 8.0
_NOTES = (
    "Dashed line: right as often as stated.",
    "Above it answers are too shy, below it too sure.",
    "Dots: answers by tenth of the stated probability, their area how many.",
    "Upright lines: 95 % intervals of the share right (Wilson).",
    "Chance: the error of answers that are right just as often as stated.",
)
_STYLE = """
svg { --page: #fff; --ink: #1c2127; --soft: #5f6b7a; --rule: #e3e7ec; --right: #1367c0; --wrong: #d95f0e;
  background: var(--page); font: 12px/1.3 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
@media (prefers-color-scheme: dark) {
  svg { --page: #15181d; --ink: #e9ecf0; --soft: #9ba6b4; --rule: #2d333b; --right: #63b0ff; --wrong: #ff9b5e; }
}
text { fill: var(--soft); }
.page { fill: var(--page); }
.title { fill: var(--ink); font-size: 21px; font-weight: 650; }
.row { fill: var(--ink); font-size: 15px; font-weight: 600; }
.name { fill: var(--ink); font-size: 13px; font-weight: 600; }
.tick { font-size: 10px; }
.rule { stroke: var(--rule); fill: none; }
.honest { stroke: var(--soft); stroke-dasharray: 4 4; }
.interval { stroke: var(--right); stroke-width: 2; stroke-linecap: round; opacity: .45; }
.dot, .right { fill: var(--right); }
.dot { stroke: var(--page); stroke-width: 1.5; }
.wrong { fill: var(--wrong); }
"""


@dataclass(frozen=True, kw_only=True)
class _Size:
    """How large panels are drawn, and how many stand beside one another."""

    side: float
    bars: float
    dot: float
    left: float
    gap: float
    head: float
    across: int

    @property
    def width(self) -> float:
        return self.left + self.side

    @property
    def height(self) -> float:
        return self.head + self.side + self.gap + self.bars + _GAP


_LARGE = _Size(side=352.0, bars=64.0, dot=11.0, left=44.0, gap=46.0, head=5.9 * _LINE, across=2)
_SMALL = _Size(side=152.0, bars=36.0, dot=7.0, left=32.0, gap=24.0, head=4.2 * _LINE, across=4)


def reliability_diagram(
    title: str, whole: Mapping[str, Answers], parts: Mapping[str, Mapping[str, Answers]] | None = None
) -> str:
    """Return an SVG with a large panel for each set of answers, and rows of small ones for ``parts``.

    A panel sets what was stated against what was so, by tenths of the probability, and says the
    calibration error in words.
    """
    columns = _LARGE.across if parts else max(min(len(whole), _LARGE.across), 1)
    width = 2 * _MARGIN + columns * (_LARGE.width + _GAP) - _GAP
    drawn, y = [_text(_MARGIN, 44, title, "title")], 70.0
    for heading, size, panels in [("", _LARGE, whole), *((name, _SMALL, row) for name, row in (parts or {}).items())]:
        if heading and panels:
            drawn.append(_text(_MARGIN, y + _LINE, heading, "row"))
            y += 2 * _LINE
        every = list(panels.items())
        for first in range(0, len(every), size.across):
            drawn.append(_across(every[first : first + size.across], size, y))
            y += size.height
    drawn += [_key(y), _lines(_MARGIN, y + 1.4 * _LINE, _NOTES)]
    height = y + (len(_NOTES) + 2) * _LINE
    told = " ".join(f"{name}: {', '.join(_words(answers))}." for name, answers in whole.items())
    return tag(
        "svg",
        tag("title", title),
        tag("desc", told),
        tag("style", Markup(_STYLE)),
        tag("rect", width="100%", height="100%", class_="page"),
        *drawn,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
    )


def _across(row: Iterable[tuple[str, Answers]], size: _Size, y: float) -> Markup:
    room = _LARGE.across * (_LARGE.width + _GAP) / size.across
    return fragment(
        tag("g", *_panel(name, answers, size), transform=f"translate({_MARGIN + place * room:.2f} {y:g})")
        for place, (name, answers) in enumerate(row)
    )


def _panel(name: str, answers: Answers, size: _Size) -> Iterator[Markup]:
    """Yield one panel, its upper left corner at the origin: words, shares right, and how many answers."""
    shown, room = name.replace("->", "→"), int(size.width / _LETTER)
    cut = shown if len(shown) <= room else shown[: room - 1] + "…"
    yield tag("text", tag("title", name), cut, x=0.0, y=_LINE, class_="name")
    yield _lines(0, 2 * _LINE, _words(answers) if size is _LARGE else _few_words(answers))
    table = answers.reliability()
    yield tag("g", *_shares(table, size), transform=f"translate({size.left:g} {size.head:g})")
    place = size.head + size.side + size.gap
    yield tag("g", *_histogram(table, size), transform=f"translate({size.left:g} {place:g})")


def _shares(table: Reliability, size: _Size) -> Iterator[Markup]:
    """Yield the square of stated and observed shares: grid, diagonal, intervals, dots."""
    side = size.side
    for tick in _TICKS:
        yield _rule(0, (1 - tick) * side, side, (1 - tick) * side)
        yield _text(-6, (1 - tick) * side + 3.5, _percent(tick), "tick", "end")
        yield _text(tick * side, side + 15, _percent(tick), "tick", "middle")
    yield _rule(0, side, side, 0, "honest")
    if size is _LARGE:
        yield _text(side / 2, side + 30, "stated probability", "tick", "middle")
        yield _text(-6, -12, "right", "tick", "end")
    most = table.answers.max(initial=1)
    for stated, right, low, high, count in zip(
        table.stated.tolist(), table.right.tolist(), table.low.tolist(), table.high.tolist(), table.answers.tolist(),
        strict=True,
    ):  # fmt: skip
        x = stated * side
        likely = f"95 %: {_percent(low)} to {_percent(high)}"
        said = f"{count} answers: {_percent(stated)} stated, {_percent(right)} right ({likely})"
        yield _rule(x, (1 - low) * side, x, (1 - high) * side, "interval")
        radius = max(float(np.sqrt(count / most)) * size.dot, 2.5)
        yield tag("circle", tag("title", said), cx=x, cy=(1 - right) * side, r=radius, class_="dot")


def _histogram(table: Reliability, size: _Size) -> Iterator[Markup]:
    """Yield a bar per bin, of the right answers and the wrong ones above them."""
    most = table.answers.max(initial=1)
    right = np.round(table.right * table.answers).astype(np.int64)
    for begin, end, good, count in zip(
        table.begin.tolist(), table.end.tolist(), right.tolist(), table.answers.tolist(), strict=True
    ):
        x, wide = begin * size.side + 1, (end - begin) * size.side - 2
        all_, fine = (size.bars * number / most for number in (count, good))
        bars = (
            tag("rect", x=x, y=size.bars - high, width=wide, height=high - low, class_=kind)
            for low, high, kind in ((0.0, fine, "right"), (fine, all_, "wrong"))
            if high > low
        )
        yield tag("g", tag("title", f"{_percent(begin)} to {_percent(end)}: {good} right of {count}"), *bars)
        if size is _LARGE:
            yield _text(x + wide / 2, size.bars - all_ - 3, str(count), "tick", "middle")
    yield _rule(0, size.bars, size.side, size.bars)


def _words(answers: Answers) -> tuple[str, ...]:
    """Return what a panel shows in three phrases."""
    scores = answers.scores()
    gap, error = scores["stated minus right"], scores["error"]
    low, high = scores["error, 95 % from"], scores["error, 95 % to"]
    usual, most = scores["error by chance"], scores["error by chance, 95 % below"]
    stated, right = _percent(scores["mean stated"]), _percent(scores["share right"])
    lean = f"{abs(gap) * 100:.1f} points too {'sure' if gap > 0 else 'shy'}"
    return (
        f"{len(answers)} answers: {stated} stated, {right} right, {lean}",
        f"calibration error {error:.3f} (95 %: {low:.3f} to {high:.3f})",
        f"{'' if error > most else 'no '}more than chance makes: {usual:.3f}, rarely over {most:.3f}",
    )


def _few_words(answers: Answers) -> tuple[str, ...]:
    scores = answers.scores()
    return (
        f"{len(answers)}: {_percent(scores['mean stated'])} stated, {_percent(scores['share right'])} right",
        f"error {scores['error']:.2f}, by chance {scores['error by chance']:.2f}",
    )


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _key(y: float) -> Markup:
    """Return what the colours of the bars mean."""
    squares = (
        fragment(tag("rect", x=x, y=y - 9, width=10.0, height=10.0, class_=kind), _text(x + 15, y, f"{kind} answers"))
        for x, kind in ((_MARGIN, "right"), (_MARGIN + 130, "wrong"))
    )
    return fragment(*squares)


def _lines(x: float, y: float, lines: Iterable[str]) -> Markup:
    return fragment(_text(x, y + number * _LINE, line) for number, line in enumerate(lines))


def _text(x: float, y: float, words: str, kind: str | None = None, anchor: str | None = None) -> Markup:
    return tag("text", words, x=x, y=y, class_=kind, text_anchor=anchor)


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str = "rule") -> Markup:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)
