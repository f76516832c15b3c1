"""The list of mutants fits the source, so that it can be run at any time."""

from __future__ import annotations

import pytest

import mutants

EVERY = mutants.mutants()


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: mutant.name)
def test_a_mutant_still_fits_its_file(mutant):
    text = (mutants.ROOT / "src" / "cctview" / mutant.file).read_text(encoding="utf-8")
    assert mutant.applied(text) != text
    compile(mutant.applied(text), mutant.file, "exec")
    assert all((mutants.ROOT / test.split("::")[0]).exists() for test in mutant.tests)


def test_names_are_unique():
    assert len({mutant.name for mutant in EVERY}) == len(EVERY)


def test_a_mutant_that_fits_twice_is_refused():
    mutant = mutants.Mutant(name="n", file="f.py", old="1", new="2", tests=())
    assert mutant.applied("a = 1") == "a = 2"
    for text in ("a = 1 + 1", "a"):
        with pytest.raises(ValueError, match="not once"):
            mutant.applied(text)
