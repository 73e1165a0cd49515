"""The documented names of the library; each module names what `xnat_core` defines."""
