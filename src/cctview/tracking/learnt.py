"""What has been learnt of a camera: its lens and the motion seen through it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cctview.tracking.motion import Motion, learn
from cctview.tracking.scene import Lens, even_step, lens_of, scene_of
from cctview.tracking.settings import TrackSettings
from cctview.tracking.sightings import Sightings

__all__ = ["Learnt", "learnt_of"]

_TRIAL_ROUNDS, _TRIAL_PAIRS = 4, 12_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Learnt:
    """A camera's lens, and how vehicles move through it."""

    lens: Lens
    motion: Motion


def learnt_of(sightings: Sightings, settings: TrackSettings) -> Learnt:
    """Return what the sightings of one camera teach, under the clock that explains their motion best."""
    lens = lens_of(sightings)
    step = even_step(sightings)
    if step:
        steady = replace(lens, step_s=step)
        lens = max((lens, steady), key=lambda tried: _gain(sightings, tried, settings))
    motion = learn(scene_of(sightings, lens), settings.rounds, settings.sample)
    return Learnt(lens=lens, motion=motion)


def _gain(sightings: Sightings, lens: Lens, settings: TrackSettings) -> float:
    """Return how well a short trial explains the stills."""
    scene = scene_of(sightings, lens)
    return learn(scene, min(settings.rounds, _TRIAL_ROUNDS), min(settings.sample, _TRIAL_PAIRS)).gain
