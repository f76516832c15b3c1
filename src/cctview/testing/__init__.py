"""What everything behind a seam must do, as tests to subclass: one module for each seam."""
