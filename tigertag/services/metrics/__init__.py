"""What `/metrics` tells: each figure of the service, from the database, at the time of asking."""

from tigertag.services.metrics.figures import Figures, figures
from tigertag.services.metrics.names import METRICS, Metric

__all__ = ["METRICS", "Figures", "Metric", "figures"]
