"""Prompts as the tokenizer's own template writes them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from transformers import AutoTokenizer

from maskdpo_xtuner.chat_templates import (
    ChatTemplate,
    ChatTemplateError,
    describe_kwargs,
    encode_chat,
    pinned_date,
    render_chat,
    template_digest,
)
from maskdpo_xtuner.records import Message
from tests.tokenizers import TOKENIZERS, load_tokenizer, tokenizer_folder

MESSAGES = (
    Message(role='user', content='Who found it?'),
    Message(role='assistant', content='Nobody.'),
    Message(role='user', content='When? 何时？'),
)


@pytest.mark.parametrize('name', TOKENIZERS)
def test_ids_are_those_of_the_tokenizer_itself(name: str) -> None:
    tokenizer = load_tokenizer(name)
    turns = [message.model_dump() for message in MESSAGES]
    expected = tokenizer.apply_chat_template(turns, add_generation_prompt=True)
    ids = ChatTemplate(str(tokenizer_folder(name))).encode(MESSAGES)
    assert ids == expected


@pytest.fixture
def thinking(tmp_path: Path) -> Path:
    """A tokenizer whose template has a variable."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder('smollm2'))
    tokenizer.chat_template = (
        '{% for m in messages %}{{ m.content }}|{% endfor %}'
        '{% if enable_thinking is defined and not enable_thinking %}<no thought>{% endif %}'
    )
    tokenizer.save_pretrained(tmp_path / 'thinking')
    return tmp_path / 'thinking'


def test_variables_of_the_template_are_passed_on(thinking: Path) -> None:
    plain = ChatTemplate(str(thinking))
    short = ChatTemplate(str(thinking), template_kwargs={'enable_thinking': False})
    assert short.render(MESSAGES) == plain.render(MESSAGES) + '<no thought>'
    tokenizer = AutoTokenizer.from_pretrained(thinking)
    assert tokenizer.decode(short.encode(MESSAGES)) == short.render(MESSAGES)
    assert short.digest != plain.digest
    assert ChatTemplate(str(thinking), template_kwargs={}).digest == plain.digest


@pytest.mark.parametrize('name', TOKENIZERS)
def test_a_conversation_may_end_without_the_beginning_of_an_answer(name: str) -> None:
    tokenizer = load_tokenizer(name)
    turns = [message.model_dump() for message in MESSAGES]
    whole = tokenizer.apply_chat_template(turns, tokenize=False)
    assert render_chat(tokenizer, turns, generation_prompt=False) == whole
    assert encode_chat(tokenizer, turns) == tokenizer.apply_chat_template(
        turns, add_generation_prompt=True
    )


def test_a_conversation_that_is_refused_is_an_error_with_its_roles() -> None:
    turns = [{'role': 'assistant', 'content': 'Hello.'}]
    with pytest.raises(ChatTemplateError, match=r'refuses the conversation \(assistant\): roles'):
        render_chat(load_tokenizer('mistral'), turns)


def test_the_digest_is_that_of_the_template(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder('smollm2'))
    digests = set()
    for name, template in [('a', 'one'), ('b', 'one'), ('c', 'two')]:
        tokenizer.chat_template = template
        tokenizer.save_pretrained(tmp_path / name)
        digests.add(ChatTemplate(str(tmp_path / name)).digest)
    assert len(digests) == 2


def test_a_tokenizer_without_a_template_is_refused(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder('smollm2'))
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match='has no chat template; set "chat_template"'):
        ChatTemplate(str(tmp_path))


def test_a_template_may_be_given_in_place_of_the_tokenizers_own(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder('smollm2'))
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path)
    given = {'chat_template': "{% for m in messages %}Q: {{ m['content'] }}{% endfor %}"}
    template = ChatTemplate(str(tmp_path), template_kwargs=given)
    assert template.render([Message(role='user', content='What?')]) == 'Q: What?'
    other = {'chat_template': given['chat_template'] + ' A:'}
    assert ChatTemplate(str(tmp_path), template_kwargs=other).digest != template.digest


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='no tokenizer can be read there'):
        ChatTemplate(str(tmp_path))


@pytest.mark.parametrize('place', ['chat_template.jinja', 'tokenizer_config.json'])
def test_the_digest_of_a_folder_needs_no_tokenizer(tmp_path: Path, place: str) -> None:
    def refuse() -> None:
        raise AssertionError('the tokenizer was loaded')

    folder = folder_with_template(tmp_path / 'tokenizer', place)
    assert template_digest(str(folder), refuse) == digest_of(AutoTokenizer.from_pretrained(folder))


def folder_with_template(folder: Path, place: str) -> Path:
    """A tokenizer with its template, which ends with a line break, in that file alone."""
    shutil.copytree(tokenizer_folder('smollm2'), folder)
    template = load_tokenizer('smollm2').chat_template + '\n'
    (folder / 'chat_template.jinja').unlink(missing_ok=True)
    path = folder / 'tokenizer_config.json'
    config = {**json.loads(path.read_text()), 'chat_template': template}
    if place == 'chat_template.jinja':
        (folder / place).write_text(config.pop('chat_template'))
    path.write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize('change', ['file', 'code'])
def test_a_tokenizer_is_asked_where_its_config_does_not_decide(tmp_path: Path, change: str) -> None:
    folder = folder_with_template(tmp_path / 'tokenizer', 'tokenizer_config.json')
    path = folder / 'tokenizer_config.json'
    if change == 'file':
        (folder / 'chat_template.jinja').write_text('{{ messages }}')
    else:
        config = {**json.loads(path.read_text()), 'auto_map': {'AutoTokenizer': ['own.Own', None]}}
        path.write_text(json.dumps(config))
    other = SimpleNamespace(chat_template='{{ messages }}')
    assert template_digest(str(folder), lambda: other) == digest_of(other)


def digest_of(tokenizer: Any) -> str:
    return hashlib.sha256(tokenizer.chat_template.encode()).hexdigest()


@pytest.fixture
def dated(tmp_path: Path) -> Path:
    """A tokenizer whose template prints the date."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder('smollm2'))
    tokenizer.chat_template = (
        '{{ strftime_now("%d %b %Y") }}{% for m in messages %}|{{ m.content }}{% endfor %}'
    )
    tokenizer.save_pretrained(tmp_path / 'dated')
    return tmp_path / 'dated'


def test_the_date_that_a_template_prints_is_the_same_every_day(dated: Path) -> None:
    plain = ChatTemplate(str(dated))
    assert plain.render(MESSAGES).startswith('26 Jul 2024|Who')
    other = ChatTemplate(str(dated), template_kwargs={'today': '2026-02-03'})
    assert other.render(MESSAGES).startswith('03 Feb 2026|Who')
    assert other.digest != plain.digest
    assert pinned_date(load_tokenizer('smollm2')) is None


def test_answers_to_prompts_of_another_day_are_not_taken_for_those_of_this(dated: Path) -> None:
    template = AutoTokenizer.from_pretrained(dated).chat_template
    assert ChatTemplate(str(dated)).digest != hashlib.sha256(template.encode()).hexdigest()


def test_a_day_that_is_none_is_refused(dated: Path) -> None:
    with pytest.raises(ChatTemplateError, match=r"today must be a date as 2024-07-26, not '3 Feb'"):
        ChatTemplate(str(dated), template_kwargs={'today': '3 Feb'}).render(MESSAGES)


# -- variables that would be ignored, and loops


@pytest.mark.parametrize('kwargs', [{'enable_thinkng': False}, {'today': '2026-02-03'}], ids=str)
def test_a_variable_that_the_template_does_not_read_is_refused(
    thinking: Path, kwargs: dict[str, Any]
) -> None:
    (name,) = kwargs
    said = rf'template_kwargs\.{name}: the chat template does not read it'
    with pytest.raises(ChatTemplateError, match=said):
        ChatTemplate(str(thinking), template_kwargs=kwargs)
    turns = [message.model_dump() for message in MESSAGES]
    with pytest.raises(ChatTemplateError, match=said):
        render_chat(AutoTokenizer.from_pretrained(thinking), turns, kwargs)


def rendered(template: str) -> str:
    turns = [message.model_dump() for message in MESSAGES]
    return render_chat(load_tokenizer('smollm2'), turns, {'chat_template': template})


def test_a_template_may_leave_a_loop_and_pass_over_turns() -> None:
    template = (
        '{%- for m in messages %}'
        '{%- if m.role == "assistant" %}{%- continue %}{%- endif %}'
        '{{- m.content }}{%- break %}'
        '{%- endfor %}'
    )
    assert rendered(template) == 'Who found it?'


@pytest.mark.parametrize(
    'template',
    [
        '{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}',
        '{% for a in range(10**9) %}x{% endfor %}',
        '{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}',
    ],
)
def test_a_template_whose_loops_have_no_end_in_sight_is_refused(template: str) -> None:
    with pytest.raises(ChatTemplateError, match='the chat template refuses the conversation'):
        rendered(template)


def test_loops_within_the_bounds_count() -> None:
    template = '{% for a in range(1, 4) %}{% for b in range(a) %}{{ b }}{% endfor %}{% endfor %}'
    assert rendered(template) == '001012'


def test_variables_are_written_down_and_templates_by_their_hash() -> None:
    assert describe_kwargs(None) is describe_kwargs({}) is None
    written = describe_kwargs({'chat_template': 'x', 'enable_thinking': False})
    digest = hashlib.sha256(b'x').hexdigest()
    assert written == f'{{"chat_template": "sha256 {digest}", "enable_thinking": false}}'
