"""Re-identification of crops and tracks: distances, sparse coding, re-ranking; used by the original verbs and eval."""
