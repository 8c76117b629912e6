"""Our side of the neighbours: real MIME, real requests, real signatures."""
