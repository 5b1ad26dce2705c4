"""The host's side of WebAssembly: engine, compiled runtime, instances, the clock behind time limits."""
