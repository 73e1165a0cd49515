"""Run pipelines and containers on XNAT sessions and follow their jobs."""

__version__ = "0.1.0"
