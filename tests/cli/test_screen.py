from __future__ import annotations

import io
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cctview.cli import main
from cctview.cli.screen import Lines, answer, interruptible, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_on_a_terminal_and_only_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress() as show:
            show("stills", 3, 10)
            show("stills", 10, 10)
        assert ("10/10" in stream.getvalue()) == stream.isatty()


def test_a_log_gets_a_line_soon_and_then_ever_fewer() -> None:
    now, told = [0.0], []
    lines = Lines(lambda: now[0], told.append)
    for second in range(601):
        now[0] = float(second)
        lines("stills", 5 * second, 6000)
        lines("waiting", second, None)
    stills = [line for line in told if line.startswith("stills")]
    assert stills[0] == "stills: 50 of 6,000, 5.0 a second, 19:50 left"
    assert [int(line.split()[1].replace(",", "")) // 5 for line in stills] == [10, 30, 70, 150, 270, 390, 510]
    assert told[1] == "waiting: 10, 1.0 a second"


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_short_work_leaves_no_line(stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", log := stream())
    with progress() as show:
        show("stills", 1, None)
    assert log.isatty() or log.getvalue() == ""


def test_an_end_from_outside_is_one_sentence_and_exit_143(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, interruptible():
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert signal.getsignal(signal.SIGTERM) is before


NASTY = "a\x1b[1;31mRED\nstills 999\r\x07\u202egpj.b\x9b2J\u2028c"


def test_names_from_outside_move_no_cursor_and_forge_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    answer({NASTY: [NASTY, {"k": NASTY}], "t": {NASTY: {"x": NASTY}, "b": {"x": 1}}}, as_json=False)
    shown = capsys.readouterr().out
    assert not set(shown) & set("\x1b\r\x07\u202e\x9b\u2028")
    assert not any(line.startswith("stills") for line in shown.splitlines())
    assert r"\x1b[1;31mRED\nstills 999" in shown
    answer({"name": NASTY}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"name": NASTY}


def test_an_error_about_a_nasty_name_is_one_line(tmp_path: Path, call: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = call("run", tmp_path / "no\x1b[2J\nsuch", tmp_path / "s")
    assert code == 1
    assert len(err.splitlines()) == 1
    assert "\x1b" not in err


def test_an_interrupt_is_one_sentence_and_exit_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, interruptible():
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_answers_are_aligned_words_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    values = {"stills": 6493, "rate": 81.61, "skipped_files": ["a", "b"], "left out": None, "policy": {"frames": 2}}
    answer(values, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "stills         6,493",
        "rate           81.61",
        "skipped files  a",
        "               b",
        "policy         frames: 2",
    ]
    answer(values, as_json=True)
    assert json.loads(capsys.readouterr().out) == values


def test_mappings_that_share_their_keys_are_a_table_with_the_longer_side_down(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs = {"a -> b": {"rank-1": 0.5, "queries": 1200, "mAP": 0.25}, "c": {"rank-1": 1.0, "queries": 7, "mAP": 0.75}}
    answer({"pairs": pairs}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "pairs            a ->",
        "                    b     c",
        "       rank-1     0.5     1",
        "       queries  1,200     7",
        "       mAP       0.25  0.75",
    ]
    answer({"rows": [{"from": 0.5, "to": 1}, {"from": 1.5, "to": 12}]}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "rows  from  to",
        "       0.5   1",
        "       1.5  12",
    ]
    answer({"mixed": {"a": {"x": 1}, "b": {"y": 2}}, "deep": {"a": {"x": [1]}}}, as_json=False)
    assert capsys.readouterr().out.splitlines() == ["mixed  a: x: 1", "       b: y: 2", "deep   a: x: 1"]


def test_the_demo_runs_and_names_the_next_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["cctview", "demo", "--minutes", "0.7", "--no-serve", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    assert not ended.value.code
    assert "journeys" in shown.out
    assert f"cctview journeys {tmp_path / 'store'}" in shown.err


def test_a_run_that_is_interrupted_says_what_it_did(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cctview.pipeline.Run.__iter__", interrupted)
    (tmp_path / "stills").mkdir()
    monkeypatch.setattr(sys, "argv", ["cctview", "run", str(tmp_path / "stills"), str(tmp_path / "store"), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert json.loads(capsys.readouterr().out)["stills"] == 0
