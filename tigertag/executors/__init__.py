"""Who takes the steps of a scan."""
