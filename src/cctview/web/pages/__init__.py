"""The pages people look at, and their parts, over the read models."""
