"""``python -m labelwright.cli`` is the command ``labelwright``."""

from labelwright.cli.main import main

if __name__ == "__main__":
    main()
