"""A browser walks through the whole product: WordPress, relay, worker and simulator as processes."""
