"""Make pairs by other rules from the annotated answers of a work dir; nothing is asked.

No model is loaded. The new work dir is whole, as if the answers had been sampled for it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from maskdpo_xtuner.command_line import add_config_options, run_tool


def main() -> int:
    """Parse, pair, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source', metavar='WORK_DIR', type=Path, help='where `maskdpo sample` has finished'
    )
    add_config_options(parser)
    args = parser.parse_args()

    from maskdpo_xtuner.pipeline.pairing_anew import pair_anew
    from maskdpo_xtuner.settings import load_settings

    settings = load_settings(args.config, dict(args.cfg_options), args.work_dir)
    print(pair_anew(settings, args.source).report(settings.work_dir))
    return 0


if __name__ == '__main__':
    run_tool(main)
