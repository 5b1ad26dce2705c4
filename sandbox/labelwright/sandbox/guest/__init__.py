"""What runs inside WebAssembly: the guest of the runtime component. The host never imports it.

Everything here is imported once, when the component is built, and becomes part of its snapshot: an import at run
time would need files, and there are none.
"""
