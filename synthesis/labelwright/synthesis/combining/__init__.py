"""From programs to a version: votes, the choice of programs, the ensemble, provenance, the bundle."""
