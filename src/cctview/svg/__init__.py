"""Pure drawing: charts and other markup as strings, without a screen, a script or another host."""
