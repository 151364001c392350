"""A subset of questions: by the first letter of their topic."""

from maskdpo_xtuner.registry import SUBSETS
from maskdpo_xtuner.subsets import Split, SubsetSettings


@SUBSETS.register_module('initials')
class InitialsSubset(SubsetSettings):
    def split(self, asked, test, folder):
        parts = {'A-M': [], 'N-Z': []}
        for each in asked:
            parts['A-M' if each.topic[0].upper() <= 'M' else 'N-Z'].append(each.key)
        return Split(parts, made_by={'version': '1'})
