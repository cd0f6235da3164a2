"""The benchmarks: a module for each, whose `report` runs it. `bench.catalogue` lists them."""
