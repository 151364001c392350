"""Sample answers, label their sentences, and write preference pairs for XTuner.

Without arguments this runs the built-in default: a small model, questions about chemical
elements and an annotator without a model, on a CPU. Interrupted, it goes on where it stopped.
"""

from __future__ import annotations

import argparse

from maskdpo_xtuner.command_line import add_config_options, run_tool


def main() -> int:
    """Parse, run, print; the exit status is 1 when answers or verdicts could not be had."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_config_options(parser)
    args = parser.parse_args()

    from maskdpo_xtuner.pipeline.run import run_pipeline
    from maskdpo_xtuner.settings import load_settings

    settings = load_settings(args.config, dict(args.cfg_options), args.work_dir)
    summary = run_pipeline(settings, quiet=args.quiet)
    print(summary.table())
    print(f'pairs are in {settings.work_dir / "pairs.jsonl"}')
    if summary.missing:
        failures = settings.work_dir / 'failures.jsonl'
        print(f'{summary.missing} answers are missing, see {failures}; run again to ask for them')
    if summary.turns.failed:
        print(f'{summary.turns.failed} requests to the annotator failed; run again to ask for them')
    return int(summary.missing > 0 or summary.turns.failed > 0)


if __name__ == '__main__':
    run_tool(main)
