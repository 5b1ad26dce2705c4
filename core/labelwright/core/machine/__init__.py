"""The machine that a process runs on: the proxies of its environment, and files that appear whole."""
