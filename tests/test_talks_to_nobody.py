"""No connection, no name looked up, no file outside of what was asked for: watched from outside for half a minute."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cctview.sim import SimSettings, simulate, write_stills

WATCHED_S = 31  # onnxruntime's telemetry speaks up after some twenty seconds
SWITCHES = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK", "OTEL_SDK_DISABLED")
RUN = "import sys, time; from cctview.cli import main; sys.argv = ['cctview', *sys.argv[1:]]\ntry: main()\nfinally: time.sleep({})"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run and serve, each under strace in a home of its own; return the folder of what was seen."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed (Debian: apt-get install strace)")
    folder = tmp_path_factory.mktemp("watched")
    write_stills(simulate(SimSettings(minutes=0.3, cameras=2, seed=2)), folder / "stills")
    probe = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("strace may not watch here")
    network = folder / "stills" / "network.toml"
    subprocess.run(
        [sys.executable, "-m", "cctview", "run", folder / "stills", folder / "served", "--network", network],
        check=True,
        capture_output=True,
        env=quiet(folder, "before"),
    )
    begun = [
        begin(folder, "run", ["run", folder / "stills", folder / "store", "--network", network]),
        begin(folder, "serve", ["serve", folder / "served", "--port", "0"]),
    ]
    time.sleep(WATCHED_S)
    for process in begun:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    return folder


def quiet(folder: Path, name: str) -> dict[str, str]:
    """An environment with nothing said about reporting, and homes that are empty."""
    home = folder / f"home-{name}"
    home.mkdir()
    (folder / f"tmp-{name}").mkdir()
    said = {key: value for key, value in os.environ.items() if key not in (*SWITCHES, "RAY_USAGE_STATS_ENABLED")}
    said = {key: value for key, value in said.items() if not key.startswith("XDG_")}
    return {**said, "HOME": str(home), "TMPDIR": str(folder / f"tmp-{name}"), "PYTHONDONTWRITEBYTECODE": "1"}


def begin(folder: Path, name: str, words: list[object]) -> subprocess.Popen[bytes]:
    calls = "trace=connect,sendto,sendmsg,sendmmsg,bind"
    strace = ["strace", "-f", "-qq", "-s", "200", "-e", calls, "-e", "signal=none", "-o", str(folder / f"{name}.calls")]
    program = [sys.executable, "-c", RUN.format(WATCHED_S), *map(str, words)]
    return subprocess.Popen(
        [*strace, *program],
        env=quiet(folder, name),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.parametrize("name", ["run", "serve"])
def test_nobody_is_called_and_no_name_is_looked_up(watched: Path, name: str) -> None:
    calls = (watched / f"{name}.calls").read_text(errors="replace").splitlines()
    outward = [
        line for line in calls if re.search(r"AF_INET6?", line) and not re.search(r'"127\.|"::1"|"0\.0\.0\.0"', line)
    ]
    asked = [line for line in calls if re.search(r"sin6?_port=htons\(53\)|nscd|resolve", line)]
    assert outward == []
    assert asked == []
    assert name == "run" or any("bind(" in line and "127.0.0.1" in line for line in calls), "the server was up"


@pytest.mark.parametrize("name", ["run", "serve"])
def test_nothing_is_written_outside_of_the_store(watched: Path, name: str) -> None:
    home, temporary = watched / f"home-{name}", watched / f"tmp-{name}"
    assert [path for path in home.rglob("*") if path.is_file()] == []
    assert [path for path in temporary.rglob("*") if path.is_file()] == []
    assert (watched / "store" / "commit.json").exists()


def test_the_switches_are_set_before_a_library_is_imported_and_a_user_may_set_them_otherwise() -> None:
    said = {key: value for key, value in os.environ.items() if key not in SWITCHES}
    code = f"import cctview, os, sys; print(*map(os.environ.get, {SWITCHES!r}), 'onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=said, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "1", "true", "False"]
    code = "import cctview.models.runtime, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    mine = {**said, "ORT_DISABLE_TELEMETRY": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=mine, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
