"""One version, wherever it is written, and a changelog with a date for each."""

from __future__ import annotations

import re

import maskdpo_xtuner
from tests.documentation.blocks import ROOT


def found(pattern: str, *path: str) -> str:
    match = re.search(pattern, ROOT.joinpath(*path).read_text(encoding='utf-8'), re.M)
    assert match is not None, path
    return match[1]


def test_the_version_is_the_same_everywhere() -> None:
    version = maskdpo_xtuner.__version__
    assert found(r"^    version='(.+)',$", 'setup.py') == version
    assert found(r'^version: (.+)$', 'CITATION.cff') == version
    assert found(r'maskdpo_xtuner-([\d.]+)-py3', 'docs', 'installed.md') == version
    assert found(r'^## (\d\S*) - ', 'CHANGELOG.md') == version


def test_every_version_of_the_changelog_has_a_date() -> None:
    changelog = (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8')
    first, *versions = re.findall(r'^## (.+)$', changelog, re.M)
    assert first == 'Unreleased'
    for version in versions:
        assert re.fullmatch(r'\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d', version), version
    released = found(r"^date-released: '(.+)'$", 'CITATION.cff')
    assert versions[0].endswith(released)
