from dataclasses import dataclass, replace

import numpy as np
import pytest

from cctview.priors import fingerprint


@dataclass(frozen=True, kw_only=True)
class Wheel:
    radius: float = 0.3


@dataclass(frozen=True, kw_only=True)
class Numbers:
    share: float = 0.1
    sides: tuple[float, ...] = (1.0, 2.0)
    wheel: Wheel = Wheel()


@dataclass(frozen=True, kw_only=True)
class Others:
    share: float = 0.1
    sides: tuple[float, ...] = (1.0, 2.0)
    wheel: Wheel = Wheel()


def test_the_same_numbers_have_the_same_fingerprint_everywhere():
    assert fingerprint(Numbers()) == fingerprint(Numbers(share=0.1)) == "7127e93c8f86"


@pytest.mark.parametrize("change", [{"share": 0.1 + 2e-17}, {"sides": (2.0, 1.0)}, {"wheel": Wheel(radius=0.31)}])
def test_another_number_has_another(change):
    assert fingerprint(replace(Numbers(), **change)) != fingerprint(Numbers())


def test_another_record_has_another():
    assert fingerprint(Others()) != fingerprint(Numbers())


def test_arrays_are_no_numbers_of_a_record():
    with pytest.raises(TypeError):
        fingerprint(Numbers(sides=np.zeros(2)))
