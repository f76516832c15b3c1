"""What traffic teaches about one camera: the ground, the flow, the lanes, the border; used by tracking and matching."""
