"""Normal: the pump is switched off, so nothing that it shows is a fault."""


def label(running, speed_rpm):
    return "normal" if not running or speed_rpm < 100 else None
