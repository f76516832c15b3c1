"""What has been learnt of a camera: its lens and the motion seen through it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cctview.tracking.motion import Motion, learn
from cctview.tracking.priors import TrackPriors
from cctview.tracking.scene import Lens, even_step, lens_of, scene_of
from cctview.tracking.settings import TrackSettings
from cctview.tracking.sightings import Sightings

__all__ = ["Learnt", "learnt_of"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Learnt:
    """A camera's lens, and how vehicles move through it."""

    lens: Lens
    motion: Motion


def learnt_of(sightings: Sightings, settings: TrackSettings, priors: TrackPriors) -> Learnt:
    """Return what the sightings of one camera teach, under the clock that explains their motion best."""
    lens = lens_of(sightings, priors)
    step = even_step(sightings, priors)
    if step:
        steady = replace(lens, step_s=step)
        lens = max((lens, steady), key=lambda tried: _gain(sightings, tried, settings, priors))
    motion = learn(scene_of(sightings, lens, priors), settings.rounds, settings.sample, priors)
    return Learnt(lens=lens, motion=motion)


def _gain(sightings: Sightings, lens: Lens, settings: TrackSettings, priors: TrackPriors) -> float:
    """Return how well a short trial explains the stills."""
    scene = scene_of(sightings, lens, priors)
    rounds, pairs = min(settings.rounds, priors.trial_rounds), min(settings.sample, priors.trial_pairs)
    return learn(scene, rounds, pairs, priors).gain
