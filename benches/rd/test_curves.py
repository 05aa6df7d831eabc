# SPDX-License-Identifier: MIT OR Apache-2.0
"""BD-rates of curves whose answer is known. `python3 -m unittest discover -s benches -t benches`."""

import math
import unittest

from rd.curves import NoBdRate, bd_rate


def curve(qualities, bytes_at):
    return [{"yuv": q, "bytes": bytes_at(q)} for q in qualities]


def exponential(q):
    return 1000 * math.exp(q / 5)


class BdRates(unittest.TestCase):
    def test_the_same_factor_everywhere_is_the_rate(self):
        reference = curve([30, 33, 36, 41, 44], lambda q: exponential(q) + 40 * q)
        ours = [{**p, "bytes": 0.8 * p["bytes"]} for p in reversed(reference)]
        self.assertAlmostEqual(bd_rate(ours, reference, "yuv").rate, -0.2)
        self.assertAlmostEqual(bd_rate(reference, ours, "yuv").rate, 0.25)

    def test_other_points_of_the_same_line_cost_nothing(self):
        bd = bd_rate(curve([31, 32, 37, 40], exponential), curve([28, 34, 38, 43], exponential), "yuv")
        self.assertAlmostEqual(bd.rate, 0)
        self.assertAlmostEqual(bd.share, 1)

    def test_the_mean_is_that_of_the_common_range(self):
        # From 32 to 38 dB the factor grows from e^.2 to e^.8.
        ours = curve([32, 34, 36, 40], lambda q: exponential(q) * math.exp((q - 30) / 10))
        bd = bd_rate(ours, curve([26, 30, 33, 38], exponential), "yuv")
        self.assertAlmostEqual(bd.rate, math.expm1(0.5))
        self.assertAlmostEqual(bd.share, 6 / 8)

    def test_ssim_counts_in_decibels(self):
        def shares(values):
            return [{"ssim": v, "bytes": 100 / (1 - v)} for v in values]

        ours = [{**p, "bytes": 2 * p["bytes"]} for p in shares([0.9, 0.95, 0.98, 0.99])]
        # log(bytes) is a line of -log(1 - SSIM), and of nothing else.
        bd = bd_rate(ours, shares([0.8, 0.93, 0.97, 0.995]), "ssim")
        self.assertAlmostEqual(bd.rate, 1)
        self.assertAlmostEqual(bd.share, 1)

    def test_what_cannot_be_compared_is_refused(self):
        good = curve([30, 33, 36, 39], exponential)
        for bad in (good[:3], curve([40, 43, 46, 49], exponential), [*good, good[0]]):
            for pair in ((good, bad), (bad, good)):
                with self.assertRaises(NoBdRate):
                    bd_rate(*pair, "yuv")


if __name__ == "__main__":
    unittest.main()
