"""The load of the benchmarks: publishers and subscribers for any server."""
