from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest

from cctview.network import parse_network
from cctview.sim import SimSettings, simulate, write_stills

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
sys.path.insert(0, str(ROOT / "docs"))
PAGES = ("tutorial", "how-to")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's paths exist."""
    here = tmp_path_factory.mktemp("readme")
    write_stills(simulate(SimSettings(minutes=0.7, cameras=2, seed=2)), here / "path" / "to" / "stills")
    (here / "path" / "to" / "stills" / "network.toml").rename(here / "cameras.toml")
    return here


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_every_path_named_is_there(page: str) -> None:
    named = re.findall(
        r"`((?:src|tests|docs|examples|results|training|benchmarks)/[\w./-]*)`", (ROOT / page).read_text()
    )
    assert len(named) > 20
    assert [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []


def test_the_layers_drawn_are_those_that_are_held() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["name"] == "layers")
    assert "".join(f"    {layer}\n" for layer in layers[1:]) in (ROOT / "ARCHITECTURE.md").read_text()


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


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run_in_their_order(page: str, folder: Path) -> None:
    here = folder.parent / page
    shutil.copytree(folder, here)
    (here / "crop.jpg").write_bytes(crop())
    text = (ROOT / "docs" / f"{page}.md").read_text()
    commands = re.findall(r"^    cctview (.*)$", text, re.MULTILINE)
    assert len(commands) >= 8
    for command in commands:
        words = [sys.executable, "-m", "cctview", *shlex.split(command)]
        if words[3] == "serve":
            assert "http://127.0.0.1:" in first_words_of(words, here)
            continue
        done = subprocess.run(words, cwd=here, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"


def crop() -> bytes:
    """Return a small picture of something car-like."""
    pixels = np.full((40, 60, 3), 90, np.uint8)
    pixels[8:34, 6:54] = 200
    done, data = cv2.imencode(".jpg", pixels)
    assert done
    return data.tobytes()


def first_words_of(command: list[str], folder: Path) -> str:
    """Return what a server says when it is ready, and end it."""
    settings = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=folder, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        told = ""
        for line in server.stdout or ():
            told += line
            if "http://" in line:
                break
        server.terminate()
    return told


def test_the_reference_is_what_the_program_says() -> None:
    from make_reference import reference

    assert (ROOT / "docs" / "reference.md").read_text() == reference(), "run python docs/make_reference.py"


def test_the_names_that_are_read_are_those_of_the_patterns() -> None:
    from make_names import FILE, with_names

    page = FILE.read_text()
    assert with_names(page) == page, "run python docs/make_names.py"


def test_the_figures_of_the_readme_are_those_of_the_results() -> None:
    from make_tables import with_table

    assert with_table(README) == README, "run python docs/make_tables.py"


def test_every_picture_and_page_that_is_named_is_there() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} names {target}"


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
