"""A file of the shape of ANAH's anahv2_prompt.py, with words of its own."""

from __future__ import annotations

SOURCE = '''def fact_check_prompt(question, annotation, language):
    cn_user_prompt = f"""
    “有事实”吗？ 行尾有空格 \x20

    {question}
    \t{annotation}\\n\\u4e00
    """

    en_user_prompt = f"""
    Is there a “fact” in it? {{braces}} and %s and \\\\ stay.\x20\x20

    {question}{annotation}
    - '<No Facts>'
    """
    return cn_user_prompt if language == "zh" else en_user_prompt


def reference_check_prompt(question, reference, annotation, language):
    cn_user_prompt = f"""
    {reference} <SEP> {question} {annotation} {reference}"""

    en_user_prompt = f"""{annotation}
    {question}

    {reference}
    """

    return cn_user_prompt if language == "zh" else en_user_prompt


def hallucination_check_prompt(question, reference, annotation, language):
    en_user_prompt = f"""
    Type of {annotation}, given {reference} \x20
    and {question}?"""
    cn_user_prompt = f"""
    ‘幻觉’ {reference} {annotation} {question} """
    return cn_user_prompt if language == "zh" else en_user_prompt
'''
