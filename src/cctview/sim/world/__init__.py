"""What there is without a camera: roads, what stands along them, and who drives there."""
