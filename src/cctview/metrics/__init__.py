"""Scores, made of counts that add up."""
