"""Sampling as in the paper, pairs as not in the paper: nothing is won by saying nothing. Ours.

To be inherited in the place of `sampling.py`. Against the paper's pairs it changes two things:
- A sentence of No Facts counts neither as correct in the score of an answer nor as a sentence to
  train on in the chosen one, so that an answer cannot win by what cannot be checked.
- Among answers of equal score the one with the most supported sentences is chosen and the one with
  the most hallucinated sentences rejected, where the paper does not say and we take the first.
"""

_base_ = ['./sampling.py']

pairs = dict(no_facts='ignored', ties='most_facts')
