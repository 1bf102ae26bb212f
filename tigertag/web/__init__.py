"""The web interface: REST and the dashboard. Flask is used nowhere else."""
