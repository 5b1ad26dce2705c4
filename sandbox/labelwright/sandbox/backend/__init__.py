"""The back end that runs programs as Python inside a WebAssembly component."""
