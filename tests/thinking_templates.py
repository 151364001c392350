"""Chat templates of models that think, written here to the published behaviour.

`QWEN3` keeps thoughts in the last answer only, writes an empty thought where there is none, and
asks without a thought where ``enable_thinking`` is False. `DEEPSEEK_R1` opens a thought where it
asks and drops thoughts from the answers that are there. `DEEPSEEK_V31` asks with the thought closed
unless ``thinking`` is True, and writes answers the same way.
"""

from __future__ import annotations

QWEN3 = (
    '{%- set ns = namespace(asked=-1) %}'
    '{%- for turn in messages %}'
    '{%- if turn.role == "user" %}{%- set ns.asked = loop.index0 %}{%- endif %}'
    '{%- endfor %}'
    '{%- for turn in messages %}'
    '{%- set content = turn.content %}'
    '{%- if turn.role == "assistant" %}'
    '{%- set thought = "" %}'
    '{%- if "</think>" in content %}'
    '{%- set thought = content.split("</think>")[0].split("<think>")[-1].strip("\n") %}'
    '{%- set content = content.split("</think>")[-1].lstrip("\n") %}'
    '{%- endif %}'
    '{%- if loop.index0 > ns.asked and (loop.last or thought) %}'
    '{%- set content = "<think>\n" + thought + "\n</think>\n\n" + content %}'
    '{%- endif %}'
    '{%- endif %}'
    '{{- "<|im_start|>" + turn.role + "\n" + content + "<|im_end|>\n" }}'
    '{%- endfor %}'
    '{%- if add_generation_prompt %}'
    '{{- "<|im_start|>assistant\n" }}'
    '{%- if enable_thinking is defined and enable_thinking is false %}'
    '{{- "<think>\n\n</think>\n\n" }}'
    '{%- endif %}'
    '{%- endif %}'
)

DEEPSEEK_R1 = (
    '{{- "<s>" }}'
    '{%- for turn in messages %}'
    '{%- if turn.role == "user" %}{{- "<|User|>" + turn.content }}'
    '{%- elif turn.role == "assistant" %}'
    '{{- "<|Assistant|>" + turn.content.split("</think>")[-1] + "<|end|>" }}'
    '{%- endif %}'
    '{%- endfor %}'
    '{%- if add_generation_prompt %}{{- "<|Assistant|><think>\n" }}{%- endif %}'
)

DEEPSEEK_V31 = (
    '{%- if thinking is not defined %}{%- set thinking = false %}{%- endif %}'
    '{{- "<s>" }}'
    '{%- for turn in messages %}'
    '{%- if turn.role == "user" %}{{- "<|User|>" + turn.content }}'
    '{%- elif turn.role == "assistant" %}'
    '{{- "<|Assistant|></think>" + turn.content.split("</think>")[-1] + "<|end|>" }}'
    '{%- endif %}'
    '{%- endfor %}'
    '{%- if add_generation_prompt %}'
    '{{- "<|Assistant|>" + ("<think>" if thinking else "</think>") }}'
    '{%- endif %}'
)

NO_THINKING = {'enable_thinking': False}
