"""Records, revisions, files and search; one module reads for the core (snapshot), one writes (writer)."""
