"""The hierarchy of XNAT: projects, subjects, sessions, scans, resources.

Beside the service classes, each module has functions that take typed objects (`scans_of(client,
session)`), for callers that have resolved names once and do not want it done again.
"""
