"""The WordPress plugin, tested inside real WordPress against a relay that records everything."""
