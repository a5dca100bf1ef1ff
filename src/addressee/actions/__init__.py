"""Actions: one file each, pure; each plans a changeset and touches nothing."""
