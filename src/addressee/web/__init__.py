"""The pages: HTML for people who work with records and mail."""
