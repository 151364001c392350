"""Sample, pair and train several times, each round from the model of the last.

A config names those of `maskdpo sample` and `maskdpo train`, which are run. What is done is
skipped: after Ctrl-C, a kill or a failure, run the same command again.
"""

from __future__ import annotations

import argparse

from maskdpo_xtuner.command_line import add_replacements, run_tool


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='a file, or a name that `maskdpo list-cfg` gives')
    add_replacements(parser, 'rounds=3')
    parser.add_argument('--deepspeed', metavar='NAME', help='as of `maskdpo train`')
    args = parser.parse_args()

    from maskdpo_xtuner.rounds.run import next_command, run_rounds
    from maskdpo_xtuner.rounds.settings import load_rounds

    options = dict(args.cfg_options)
    if args.deepspeed:
        options['deepspeed'] = args.deepspeed
    settings = load_rounds(args.config, options, args.work_dir)
    run_rounds(settings)
    print(f'next: {next_command(settings)}')
    return 0


if __name__ == '__main__':
    run_tool(main)
