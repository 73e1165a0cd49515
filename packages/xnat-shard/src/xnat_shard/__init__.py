"""Split a record stream by bytes for many machines; run the shards, collect the results."""

__version__ = "0.1.0"
