"""The executable, and `python -m xnat_shard`."""

import sys

from xnat_core.start import start


def main() -> int:
    """Run the tool with the words of the command line; returns its exit status."""
    return start("xnat_shard.cli")


if __name__ == "__main__":
    sys.exit(main())
