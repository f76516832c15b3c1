"""Score journeys: counts of steps and of whole journeys, which add up, and the ratios made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cctview.metrics.calibration import Answers
from cctview.metrics.counts import Additive
from cctview.table import Ragged

__all__ = ["RIGHT", "UNKNOWN", "WRONG", "JourneyCounts", "count_journeys"]

WRONG = 0  # the next tracklet is another vehicle's
RIGHT = 1
UNKNOWN = -1  # nobody has said


@dataclass(frozen=True, eq=False, kw_only=True)
class JourneyCounts(Additive):
    """Steps from camera to camera, and journeys as a whole.

    Of those judged, how many were ``right``; ``true_steps`` are the steps vehicles really made, of which
    ``found_steps`` were found; ``answers`` are the journeys judged, with their probabilities.
    """

    right_steps: int
    judged_steps: int
    found_steps: int
    true_steps: int
    answers: Answers

    def scores(self) -> dict[str, float]:
        """Return the ratios, and the counts they were made of."""
        precision, recall = self.right_steps / max(self.judged_steps, 1), self.found_steps / max(self.true_steps, 1)
        return {
            "step precision": precision,
            "step recall": recall,
            "step F1": 2 * precision * recall / max(precision + recall, 1e-12),
            "journey precision": float(self.answers.right.sum() / max(len(self.answers), 1)),
            "calibration error": self.answers.error(),
            "steps judged": self.judged_steps,
            "true steps": self.true_steps,
            "journeys judged": len(self.answers),
        }


def count_journeys(
    steps: Ragged[np.int8],
    probability: NDArray[np.floating],
    *,
    found_steps: int,
    true_steps: int,
) -> JourneyCounts:
    """Count journeys whose steps are RIGHT, WRONG or UNKNOWN, with their probabilities (J,).

    One wrong step makes a journey wrong, otherwise one unknown step makes it unknown.
    """
    journeys = len(steps)
    kinds = [np.bincount(steps.row[steps.values == kind], minlength=journeys) > 0 for kind in (WRONG, UNKNOWN)]
    judged = kinds[0] | ~kinds[1]
    return JourneyCounts(
        right_steps=int(np.sum(steps.values == RIGHT)),
        judged_steps=int(np.sum(steps.values != UNKNOWN)),
        found_steps=found_steps,
        true_steps=true_steps,
        answers=Answers(probability=probability[judged], right=~kinds[0][judged]),
    )
