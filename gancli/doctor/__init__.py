"""What stands in gancli's way on this machine: versions, devices, disk, caches, data, weights.

It works in broken environments: each check stands alone, and what it needs may be missing.
"""
