"""Long proofs, resumable: `make prove NAME=...`. Their short forms run in CI with the same code."""
