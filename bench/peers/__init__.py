"""Other programs that make records of mail, in an environment of their own: `python -m bench.peers install`."""
