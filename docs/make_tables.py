"""Write the table of figures in the README from results/*.json, so that no figure is typed by hand.

python docs/make_tables.py
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- figures -->\n", "<!-- /figures -->"
_HEAD = """Measured on the original's hour of five FDR Drive cameras (6,493 stills of 352x240, 37 minutes),
on cameras of other cities that no model here was trained on, and on simulated traffic. `make check-accuracy` and
`make bench` repeat the first two where the real stills lie beside the checkout; each file in [results/](results/)
names its command.

| what | here | the original | wanted |
|---|---|---|---|
"""
_TAIL = """
The original's rank-1 figures are of single images by cosine in a window of 0-300 s; ours are of whole tracklets of
our own detector, over the whole hour, with the travel time learnt and not given. Small samples: one vehicle is 2
points at 51 queries and 11 at 9.

"""
_PAIRS = (
    ("733-681-N -> 735-683-N", "53rd to 48th Street", "0.26", "0.95"),
    ("735-683-N -> 731-679-N", "48th to Grand Street", "0.12", "0.80"),
    ("253-134-S -> 689-640-S", "23rd to 38th Street, northbound", "0.30", "0.90"),
    ("689-640-S -> 253-134-S", "38th to 23rd Street, from behind", "0.19", "0.85"),
)


def table() -> str:
    """Return the figures as Markdown."""
    rows = [*_speed(), *_detection(), *_links(), *_counts(), *_simulated()]
    return _HEAD + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n" + _TAIL


def with_table(text: str) -> str:
    """Return a text with the table between its two marks."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


def _read(name: str) -> Any:
    return json.loads((ROOT / "results" / f"{name}.json").read_text(encoding="utf-8"))


def _speed() -> list[tuple[str, ...]]:
    told = _read("pipeline")["value"]
    speed = f"{told['stills per second']:.0f} stills/s, {told['peak memory MB'] / 1000:.1f} GB"
    return [("whole run, two cores, no GPU", speed, "0.36 stills/s for its two models alone", "250")]


def _detection() -> list[tuple[str, ...]]:
    told = {(row["data"], row["what"]): row["value"] for row in _read("detector")["rows"]}
    record = tomllib.loads((ROOT / "src/cctview/models/weights/cctview-det.toml").read_text(encoding="utf-8"))
    bar = f"{_value(record, 'redaction_threshold'):g}"
    hidden, area = (told["fdr/boxes.json", f"{what} at {bar}"] for what in ("people hidden", "area blacked out"))
    return [
        ("vehicles found, AP50: FDR Drive", f"{told['fdr/boxes.json', 'vehicle AP50']:.2f}", "0.80", "0.95"),
        (
            "recall at precision 0.97: FDR Drive",
            f"{told['fdr/boxes.json', 'vehicle recall at precision 0.97']:.2f}",
            "0.69",
            "0.90",
        ),
        (
            "vehicles found, AP50: London, never trained on",
            f"{told['london/boxes.json', 'vehicle AP50']:.2f}",
            "",
            "0.70",
        ),
        (
            "vehicles found, AP50: Singapore, never trained on",
            f"{told['singapore/boxes.json', 'vehicle AP50']:.2f}",
            "",
            "0.65",
        ),
        (
            "hand-labelled people covered by more than half",
            f"{hidden:.0%}, blacking out {area:.1%} of the area",
            "half",
            "90 %",
        ),
    ]


def _value(record: dict[str, Any], name: str) -> Any:
    """Return a value that stands somewhere in a model record."""
    nested = (_value(part, name) for part in record.values() if isinstance(part, dict))
    return record[name] if name in record else next((value for value in nested if value is not None), None)


def _links() -> list[tuple[str, ...]]:
    told = _read("links")["value"]
    rows = [
        (f"same vehicle first, {where} ({told[pair]['queries']})", f"{told[pair]['rank-1']:.2f}", original, wanted)
        for pair, where, original, wanted in _PAIRS
    ]
    chance = (
        f"calibration error of the answers (perfect ones, so few, would show {told['calibration error by chance']:.2f})"
    )
    return [*rows, (chance, f"{told['calibration error']:.2f}", "", "0.05")]


def _counts() -> list[tuple[str, ...]]:
    """Return how far counts of passages are off, on worlds that nothing was chosen by."""
    told, rows = _read("counts")["summary"], []
    for light, bar in (("day", "5 %"), ("dusk", "10 %"), ("rain", "10 %")):
        found = told[f"held out, {light}"]
        what = f"vehicles counted per camera and direction, simulated, {light}: mean error, largest, within {bar}"
        within = f"{found[f'within {bar}']} of {found['cameras and directions']}"
        error = f"{found['mean absolute error']:.1%}, {abs(found['largest error']):.0%}, {within}"
        rows.append((what, error, "", f"all within {bar}"))
    return rows


def _simulated() -> list[tuple[str, ...]]:
    """Return the simulator's rows, of what was measured so far."""
    told, rows = _read("simulator"), []
    errors = [world["matches"]["calibration error"] for world in _read("heldout")["value"].values()]
    worlds = f"the same on {len(errors)} simulated worlds that nothing was chosen by"
    rows.append((worlds, f"{min(errors):.2f} to {max(errors):.2f}", "", "0.05"))
    if "detector by night" in told:
        found = f"{_ap(told, 'by day')}, {_ap(told, 'by night')}"
        rows.append(("vehicles found, AP50: simulated day, night", found, "", "0.90, 0.75"))
    speed = f"{told['drawing 352x240']['stills per cpu second']:.0f}"
    rows.append(("simulated stills of 352x240 drawn in a second of one core", speed, "", "100"))
    if "without drawing" in told:
        large = told["without drawing"]
        what = f"{large['minutes']:.0f} minutes of {large['cameras']} cameras without drawing, one core"
        rows.append((what, f"{large['cpu seconds']:.1f} s", "", "60 s on two cores"))
    return rows


def _ap(told: Any, light: str) -> str:
    scores = [world["AP50"] for world in told[f"detector {light}"]]
    return f"{sum(scores) / len(scores):.2f}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
