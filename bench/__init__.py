"""Benchmarks and the fault harness; `make bench` and `make faults` run them."""
