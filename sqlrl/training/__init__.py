"""Benchmark and rewards in, TRL's trainers underneath, a run folder out."""
