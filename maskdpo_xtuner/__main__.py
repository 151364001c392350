"""``python -m maskdpo_xtuner`` is the command ``maskdpo``."""

from maskdpo_xtuner.cli import main

if __name__ == '__main__':
    main()
