"""Sample answers, label their sentences, and write preference pairs for XTuner.

Without arguments this runs the built-in default: a small model, questions about chemical
elements and an annotator without a model, on a CPU. An interrupted run resumes where it stopped.
"""

from __future__ import annotations

import argparse

from maskdpo_xtuner.command_line import add_config_options, run_tool


def main() -> int:
    """Parse, run, print; the exit status is 1 when answers or verdicts are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--shard',
        metavar='I/N',
        help='do part I of N (the first is 0) of the questions, as an independent job; '
        '`maskdpo merge` puts the parts together',
    )
    add_config_options(parser)
    args = parser.parse_args()

    from maskdpo_xtuner.pipeline.run import run_pipeline
    from maskdpo_xtuner.pipeline.shards import Shard
    from maskdpo_xtuner.settings import load_settings

    settings = load_settings(args.config, dict(args.cfg_options), args.work_dir)
    shard = Shard.parse(args.shard) if args.shard else None
    summary = run_pipeline(settings, shard, quiet=args.quiet)
    print(summary.report(shard.folder(settings.work_dir) if shard else settings.work_dir))
    return summary.exit_status


if __name__ == '__main__':
    run_tool(main)
