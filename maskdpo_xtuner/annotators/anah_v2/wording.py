"""The project's own wording of the three questions, with the markers that ANAH-v2 answers in.

For models that were not trained on the published prompts, and to run without them.
"""

from __future__ import annotations

from collections.abc import Mapping

from maskdpo_xtuner.records import Language

_EXISTENCE_EN = """\
Decide whether one sentence of an answer states anything that could be checked.

A sentence can be checked when it makes a definite claim about the world: names, dates, numbers, \
events, causes, properties, what someone did or said. Greetings, opinions, advice, questions and \
remarks about the answer itself cannot be checked.

Question that was asked:
{question}

Sentence of the answer:
{sentence}

Reply with nothing but one of these markers:
<Facts Present> when the sentence makes at least one claim that can be checked
<No Facts> when it makes none
"""

_EXISTENCE_ZH = """\
请判断回答中的一句话是否包含可以核查的内容。

如果这句话对客观世界作出了明确的陈述，例如姓名、日期、数字、事件、原因、性质、某人的言行，\
就属于可以核查。问候、看法、建议、提问以及对回答本身的说明，都不属于可以核查。

提出的问题：
{question}

回答中的这句话：
{sentence}

只回复下列标记之一，不要输出其他内容：
<有事实> 表示这句话至少有一处可以核查
<无事实> 表示这句话没有可以核查的内容
"""

_REFERENCE_EN = """\
Find in a document everything that helps to check one sentence of an answer.

Question that was asked:
{question}

Sentence of the answer:
{sentence}

Document:
{reference}

Quote or closely restate each point of the document that supports the sentence, corrects it or \
speaks about the same thing. Keep to the document and to its order, and add nothing that you know \
from elsewhere. Write <SEP> between two points. If the document says nothing about it, reply with \
<No Reference Information> alone.
"""

_REFERENCE_ZH = """\
请在文档中找出有助于核查回答中某一句话的全部内容。

提出的问题：
{question}

回答中的这句话：
{sentence}

文档：
{reference}

请按文档中的先后顺序，引用或贴近原文转述每一个支持、纠正这句话或谈到同一事物的要点，\
不要加入文档以外的知识。两个要点之间写 <SEP>。如果文档没有谈到，只回复 <无参考信息>。
"""

_TYPE_EN = """\
Compare one sentence of an answer with points taken from a reliable document.

Question that was asked:
{question}

Sentence of the answer:
{sentence}

Points of the document:
{reference}

Reply with nothing but one of these markers:
<No Hallucination> when the points support everything that the sentence claims
<Contradictory> when a claim of the sentence conflicts with the points
<Unverifiable> when nothing conflicts, but the points do not support all of its claims
"""

_TYPE_ZH = """\
请将回答中的一句话与取自可靠文档的要点进行对照。

提出的问题：
{question}

回答中的这句话：
{sentence}

文档要点：
{reference}

只回复下列标记之一，不要输出其他内容：
<无幻觉> 表示要点支持这句话的全部内容
<矛盾> 表示这句话有内容与要点冲突
<无法验证> 表示没有冲突，但要点不足以支持这句话的全部内容
"""

TEMPLATES: Mapping[str, Mapping[Language, str]] = {
    'existence': {'en': _EXISTENCE_EN, 'zh': _EXISTENCE_ZH},
    'reference': {'en': _REFERENCE_EN, 'zh': _REFERENCE_ZH},
    'type': {'en': _TYPE_EN, 'zh': _TYPE_ZH},
}
