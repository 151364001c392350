"""A metric: words of an answer for each sentence that the document supports."""

from maskdpo_xtuner.evaluation.metrics import count_response
from maskdpo_xtuner.registry import METRICS


@METRICS.register_module('words_per_supported')
def words_per_supported(response, question):
    return len(response.text.split()), count_response(response).supported
