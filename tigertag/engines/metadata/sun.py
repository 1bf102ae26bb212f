"""How high the sun stands."""

from datetime import UTC, datetime
from math import asin, atan2, cos, degrees, radians, sin

HORIZON = -0.833
"""Where the sun's centre is when its upper edge sets: half its width, and the air's refraction."""

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)


def altitude(at: datetime, latitude: float, longitude: float) -> float:
    """Return the sun's height above the horizon in degrees, without refraction.

    `at` is aware. J. Meeus, Astronomical Algorithms, 2nd edition, chapters 12, 13 and 25 (low
    accuracy), as in NOAA's solar calculator: within 0.01° from 1800 to 2200.
    """
    days = (at - _J2000).total_seconds() / 86_400
    t = days / 36_525
    anomaly = radians(357.52911 + t * (35_999.05029 - 0.0001537 * t))
    centre = sin(anomaly) * (1.914602 - t * (0.004817 + 0.000014 * t))
    centre += sin(2 * anomaly) * (0.019993 - 0.000101 * t) + sin(3 * anomaly) * 0.000289
    node = radians(125.04 - 1934.136 * t)
    mean = 280.46646 + t * (36_000.76983 + 0.0003032 * t)
    apparent = radians(mean + centre - 0.00569 - 0.00478 * sin(node))
    tilt = radians(23.439291 - 0.0130042 * t + 0.00256 * cos(node))
    declination = asin(sin(tilt) * sin(apparent))
    ascension = degrees(atan2(cos(tilt) * sin(apparent), cos(apparent)))
    sidereal = 280.46061837 + 360.98564736629 * days + 0.000387933 * t * t
    hour = radians(sidereal + longitude - ascension)
    north = radians(latitude)
    return degrees(asin(sin(north) * sin(declination) + cos(north) * cos(declination) * cos(hour)))
