from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cctview.network import parse_network
from cctview.sim import SimSettings, simulate, write_stills

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's paths exist."""
    here = tmp_path_factory.mktemp("readme")
    write_stills(simulate(SimSettings(minutes=0.7, cameras=2, seed=2)), here / "path" / "to" / "stills")
    (here / "path" / "to" / "stills" / "network.toml").rename(here / "cameras.toml")
    return here


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_python_of_the_readme_runs(folder: Path) -> None:
    (code,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d+ journeys\n", done.stdout)


def test_the_commands_of_the_readme_run_in_their_order(folder: Path) -> None:
    commands = re.findall(r"^    \.venv/bin/cctview (.*)$", README, re.MULTILINE)
    assert len(commands) >= 3
    for command in commands:
        words = [word.replace("STORE", "STORE-2") for word in shlex.split(command)]
        subprocess.run([sys.executable, "-m", "cctview", *words], cwd=folder, capture_output=True, check=True)
    assert (folder / "journeys.csv").read_text().startswith("journey,step,camera")


def test_the_camera_network_of_the_readme_is_one() -> None:
    (text,) = blocks("toml")
    assert len(parse_network(text).links) == 1


def test_the_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "example.py"], capture_output=True, text=True, check=True
    )
    assert re.search(r"[1-9]\d* vehicles at sim-1, compared with [1-9]\d* at \['sim-2'\]", done.stdout)


def test_the_architecture_names_every_place_and_no_other() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"^\| `src/cctview/([\w.]+)/?`", text, re.MULTILINE))
    package = ROOT / "src" / "cctview"
    places = {path.name for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert named == places - {"__init__.py", "__main__.py"}
