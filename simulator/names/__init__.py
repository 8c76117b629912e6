"""A name server on this machine: zones from files and Amazon's own names, with trouble on request."""
