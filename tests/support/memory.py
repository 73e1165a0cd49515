"""How much memory a process has taken at most, told by itself.

Not `ru_maxrss`: that begins with what the process had that started this one.
"""

from __future__ import annotations

PEAK = """
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
"""
"""The beginning of a program: `peak()` is KiB."""
