"""Settings, URLs and wiring: reads the environment, wires the shelves, and nothing else."""
