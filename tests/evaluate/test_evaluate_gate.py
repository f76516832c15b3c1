import pytest

from cctview.errors import FormatError, MissingError, SourceNotFoundError
from cctview.evaluate.gate import missed_gates

SCORES = {"all": {"rank-1": 0.8, "calibration error": 0.1}, "pairs": {"a -> b": {"rank-1": 0.9}}}
FILE = """
[[reid]]
truth = "fdr/links.json"
command = "cctview eval reid ..."
at_least = {"all / rank-1" = 0.8, "pairs / a -> b / rank-1" = 0.95}
at_most = {"all / calibration error" = 0.05}

[[reid]]
truth = "other/links.json"
at_least = {"all / rank-1" = 1.0}
"""


@pytest.fixture
def gate(tmp_path):
    path = tmp_path / "gate.toml"
    path.write_text(FILE)
    return path


def test_each_number_that_fell_is_named(gate, tmp_path):
    held, missed = missed_gates(gate, "reid", tmp_path / "fdr" / "links.json", SCORES)
    assert held == 3
    assert missed == ["pairs / a -> b / rank-1: 0.9 is below 0.95", "all / calibration error: 0.1 is above 0.05"]


def test_a_number_no_longer_measured_is_missed(gate, tmp_path):
    _, missed = missed_gates(gate, "reid", tmp_path / "fdr" / "links.json", {"all": SCORES["all"], "pairs": 3})
    assert "pairs / a -> b / rank-1: not measured, expected at least 0.95" in missed


def test_files_and_truths_that_do_not_fit(gate, tmp_path):
    with pytest.raises(MissingError, match="no numbers for 'eval reid' with more"):
        missed_gates(gate, "reid", tmp_path / "more.json", SCORES)
    with pytest.raises(MissingError, match="eval detection"):
        missed_gates(gate, "detection", tmp_path / "fdr" / "links.json", SCORES)
    with pytest.raises(SourceNotFoundError, match="cannot be read"):
        missed_gates(tmp_path / "none.toml", "reid", tmp_path, SCORES)
    for text, message in (
        ("[[", "not a TOML"),
        ("[[reid]]\nleast = 1", "needs 'truth'"),
        ("reid = 3", "needs 'truth'"),
    ):
        gate.write_text(text)
        with pytest.raises(FormatError, match=message):
            missed_gates(gate, "reid", tmp_path, SCORES)
