"""Jobs and batches, their slices with a result for each record, and the slots of what is done on a schedule (rows)."""
