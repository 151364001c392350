"""The forms in which preference pairs are exchanged with TRL, ms-swift and data sets on a hub."""

from maskdpo_xtuner.forms.reading import Reading, read_pair, read_row
from maskdpo_xtuner.forms.sources import read_pairs
from maskdpo_xtuner.forms.writing import FORMS, Form, write_pairs

__all__ = ['FORMS', 'Form', 'Reading', 'read_pair', 'read_pairs', 'read_row', 'write_pairs']
