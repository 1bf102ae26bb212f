"""The service's face on the web. Flask is used nowhere else."""
