"""The steps of a run, in order: sample, write, push a candidate, decide, promote, watch."""
