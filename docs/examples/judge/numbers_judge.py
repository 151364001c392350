"""A judge: every number that a sentence names must stand in the document."""

import re

from maskdpo_xtuner.annotators import SentenceAnnotator
from maskdpo_xtuner.annotators.settings import SentenceSettings
from maskdpo_xtuner.records import Label, Sentence
from maskdpo_xtuner.registry import ANNOTATORS

NUMBER = re.compile(r'\d+(?:\.\d+)?')


@ANNOTATORS.register_module('numbers')
class NumbersSettings(SentenceSettings):
    def build(self):
        annotator = NumbersJudge()
        self.set_splitter(annotator)
        return annotator, None  # no engine: it asks nothing


class NumbersJudge(SentenceAnnotator):
    identity = {'name': 'numbers', 'version': '1'}

    def judge(self, question, text, span):
        yield from ()  # a judge with a model yields requests here, and is sent their outcomes
        named = set(NUMBER.findall(text[slice(*span)]))
        wrong = named - set(NUMBER.findall(question.document))
        right = Label.NO_HALLUCINATION if named else Label.NO_FACTS
        label = Label.CONTRADICTORY if wrong else right
        return Sentence(start=span[0], end=span[1], label=label)
