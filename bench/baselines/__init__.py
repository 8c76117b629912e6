"""What ours is compared with. Frozen: a change here moves every ratio ever measured."""
