"""What is true about a simulation: as tables, and as files beside the stills."""
