"""The engines that every xnat-* tool shares: configuration, login, requests, records, streams."""

__version__ = "0.1.0"
