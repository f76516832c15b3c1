"""Score matches and their probabilities on simulated worlds that nothing was chosen by.

    python benchmarks/heldout.py --out results/heldout.json

No setting of detector, embedder, tracker or matcher was chosen while looking at these seeds; new ones can
be given. Each is a whole run, from drawn stills to journeys, scored against the truth.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from cctview.sim import SimSettings
from provenance import header
from stress import PACKAGES, scored

WORLDS: dict[str, dict[str, Any]] = {
    "corridor": {"cameras": 5, "minutes": 10, "traffic": 50.0},
    "motorway": {"world": "motorway", "cameras": 4, "minutes": 8, "traffic": 35.0},
    "rain": {"weather": "rain", "cameras": 4, "minutes": 8, "traffic": 30.0},
    "overcast": {"weather": "overcast", "cameras": 4, "minutes": 10, "traffic": 45.0},
}
SEEDS = (101, 77, 55, 202)


def main() -> None:
    """Print the scores of each world, and write them."""
    parser = argparse.ArgumentParser(description="Score matches on worlds that nothing was chosen by.")
    parser.add_argument("--seeds", nargs=len(WORLDS), type=int, default=SEEDS, help="one for each world")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows: dict[str, Any] = {}
    for (name, world), seed in zip(WORLDS.items(), arguments.seeds, strict=True):
        scores = scored(SimSettings(**world, seed=seed))
        rows[name] = {"world": {**world, "seed": seed}, **{part: scores[part] for part in ("matches", "journeys")}}
        print(name, json.dumps(scores["matches"]), flush=True)
    result = {
        "what": "matches on simulated worlds that nothing was chosen by",
        **header(sys.argv, PACKAGES),
        "value": rows,
    }
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
