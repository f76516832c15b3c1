"""Run on data with truth and score it."""
