from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from cctview.cli import main
from cctview.cli.screen import answer, interruptible, progress


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
