"""What the original's example did, in Python: detect, extract, match over a folder of stills.

    python examples/example.py FOLDER BASE TARGET...

FOLDER holds stills named ``<camera>--<YYYY-MM-DD>--<HH.MM.SS>--original.jpeg``; the outputs are
written beside them. Without arguments a minute of a simulated road is drawn and used.
"""

import sys
import tempfile
from pathlib import Path

from cctview import load_detector, load_embedder, open_source, original, sim


def main(folder: Path, base: str, targets: list[str]) -> None:
    """Write detections, features and matches beside the stills."""
    original.detect(open_source(folder), folder, load_detector())
    original.extract(folder, load_embedder())
    report = original.match(folder, base, targets)
    print(f"{report.counts['queries']} vehicles at {base}, compared with {report.counts['gallery']} at {targets}")
    print(f"the nearest of each: {folder / f'{base}--matches.json'}")


if __name__ == "__main__":
    if len(sys.argv) > 3:
        main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
    else:
        with tempfile.TemporaryDirectory() as stills:
            sim.write_stills(sim.simulate(sim.SimSettings(minutes=0.2, cameras=2)), Path(stills))
            main(Path(stills), "sim-1", ["sim-2"])
