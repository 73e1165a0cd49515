"""Look after an XNAT: version, catalogs, users, audit, site configuration."""

__version__ = "0.1.0"
