"""From high dynamic range to the range that engines were trained on.

Signal to light: SMPTE ST 2084 (PQ) and Recommendation ITU-R BT.2100 (HLG with its OOTF for a
display of 1000 cd/m²). Light of 203 cd/m² is the white of graphics (BT.2408). Colours: BT.2020 to
BT.709 (BT.2087). Then the curve "mobius" of FFmpeg's `tonemap` filter: a line up to 0.3, above it
bent so that 1000 cd/m² become white. Good enough to recognise things, no more.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

PQ, HLG = 16, 18
"""The transfer characteristics that are of high dynamic range (ITU-T H.273, table 3)."""

_WHITE_NITS, _PEAK_NITS = 203.0, 1000.0
_TO_709 = np.array(
    [
        [1.6605, -0.5876, -0.0728],
        [-0.1246, 1.1329, -0.0083],
        [-0.0182, -0.1006, 1.1187],
    ],
    dtype=np.float32,
)
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593], dtype=np.float32)
_GAMMA = 2.2


def mapped(signal: NDArray[np.uint16], transfer: int) -> NDArray[np.uint8]:
    """Return R'G'B' of BT.2020 with this transfer, shape (h, w, 3), as 8-bit R'G'B' of BT.709."""
    light = _light(transfer)[signal]
    if transfer == HLG:
        luminance = light @ _LUMA_2020
        light *= (luminance**0.2 * (_PEAK_NITS / _WHITE_NITS))[..., None]
    light = np.maximum(light @ _TO_709.T, 0.0)
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    shown = (light * (_mobius(brightest) / brightest)).clip(0.0, 1.0)
    return np.asarray(np.rint(255.0 * shown ** (1.0 / _GAMMA)).astype(np.uint8))


@cache
def _light(transfer: int) -> NDArray[np.float32]:
    """Linear light of each 16-bit signal: 1.0 is 203 cd/m² (PQ), the brightest scene (HLG)."""
    signal = np.linspace(0.0, 1.0, 65_536)
    light = _hlg(signal) if transfer == HLG else _pq(signal) * (10_000.0 / _WHITE_NITS)
    return light.astype(np.float32)


def _pq(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The EOTF of ST 2084, equation 4.1, in parts of 10 000 cd/m²."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = signal ** (1.0 / m2)
    return np.asarray((np.maximum(root - c1, 0.0) / (c2 - c3 * root)) ** (1.0 / m1))


def _hlg(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse OETF of BT.2100, table 5, in parts of the brightest scene light."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3.0, (np.exp((signal - c) / a) + b) / 12.0)


def _mobius(light: NDArray[np.float32]) -> NDArray[np.float32]:
    knee, peak = 0.3, _PEAK_NITS / _WHITE_NITS
    a = -(knee**2) * (peak - 1.0) / (knee**2 - 2.0 * knee + peak)
    b = (knee**2 - 2.0 * knee * peak + peak) / (peak - 1.0)
    bent = (b**2 + 2.0 * b * knee + knee**2) / (b - a) * (light + a) / (light + b)
    return np.where(light <= knee, light, bent).astype(np.float32)
