"""Put the shards of `maskdpo sample --shard i/n` together.

Takes the config and options that the shards were run with. The files in the work dir are then those
of one undivided run, byte for byte.
"""

from __future__ import annotations

import argparse
import shlex
import sys

from maskdpo_xtuner.command_line import add_config_options, run_tool

COMPLETIONS = '--completions'


def main() -> int:
    """Parse, merge, print; the exit status is 1 when answers or verdicts are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        COMPLETIONS,
        action='store_true',
        help='merge the completions, too: a run without --shard then asks for nothing',
    )
    add_config_options(parser)
    args = parser.parse_args()

    from maskdpo_xtuner.pipeline.merging import merge_shards
    from maskdpo_xtuner.settings import load_settings

    settings = load_settings(args.config, dict(args.cfg_options), args.work_dir)
    options = [option for option in sys.argv[1:] if option != COMPLETIONS]
    command = shlex.join(['maskdpo', 'sample', *options])
    summary = merge_shards(settings, command, completions=args.completions)
    print(summary.report(settings.work_dir))
    return summary.exit_status


if __name__ == '__main__':
    run_tool(main)
