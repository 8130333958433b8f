# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of watermarks and reserves, written a second time, from the
rows of docs/mechanism-map.md and not from mm/. Figures are pages unless the
name says otherwise; Linux 6.12's choice where versions differ."""

import math

PAGE_KIB = 4
ZONES = ("DMA", "DMA32", "Normal", "Movable")


def min_free_kbytes(zones):
    """Row 25: what lies above the high marks; movable zones are no low memory."""
    lowmem_kib = sum(z["managed"] - z["high"] for z in zones if z["name"] != "Movable") * PAGE_KIB
    return min(max(math.isqrt(16 * lowmem_kib), 128), 262144)


def marks(zone, zones, min_free, scale_factor=10):
    """Row 26: (min, low, high)."""
    total = min_free // PAGE_KIB
    low_pages = sum(z["managed"] for z in zones if z["name"] != "Movable")
    share = total * zone["managed"] // low_pages if low_pages else 0
    if zone["name"] == "Movable":
        low_mark = min(max(zone["managed"] // 1024, 32), 128)
    else:
        low_mark = share
    gap = max(share // 4, zone["managed"] * scale_factor // 10000)
    if zone["managed"] == 0:
        return 0, 0, 0
    return low_mark, low_mark + gap, low_mark + 2 * gap


def floors(low_mark, low, boost=0):
    """Row 29 as nine bands (docs/ladder.md), from min and low; Linux 6.12's steps from
    band 4 on: a half off, then a quarter of that, or a half."""
    half = low_mark - low_mark // 2
    quarter = half - half // 2
    lower = [low, low_mark + (low - low_mark) // 2, low_mark, low_mark - low_mark // 4]
    return [mark + boost for mark in lower] + [half, half - half // 4, quarter,
                                               quarter - quarter // 2, 0]


def protection(zone, node_zones, ratios=(256, 256, 32, 0)):
    """Row 30, for a zone among all zones of its node, by zone name."""
    managed = {z["name"]: z["managed"] for z in node_zones}
    i = ZONES.index(zone["name"])
    reserve = [0] * len(ZONES)
    for j in range(i + 1, len(ZONES)):
        above = sum(managed.get(name, 0) for name in ZONES[i + 1:j + 1])
        if ratios[i] and zone["managed"]:
            reserve[j] = above // ratios[i]
    return reserve


def pcp_batch(managed):
    """Row 47."""
    batch = max(min(managed // 1024, (1 << 20) // 4096) // 4, 1)
    batch += batch // 2
    return (1 << (batch.bit_length() - 1)) - 1


def pcp_high(low_mark, batch, node_cpus, all_cpus):
    """Row 48."""
    return max(low_mark // (node_cpus or all_cpus), 4 * batch)


def stat_threshold(managed, cpus):
    """Row 35."""
    return min(125, 2 * cpus.bit_length() * (1 + (managed >> 15).bit_length()))
