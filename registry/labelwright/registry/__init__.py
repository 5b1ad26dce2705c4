"""The registry: keeps versions of labeling programs, accepts or refuses bundles, and says which version is live."""
