"""The shell: worker, process, commit, deliver, jobs."""
