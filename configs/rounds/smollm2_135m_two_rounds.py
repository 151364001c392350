"""The demo in two on-policy rounds: the second samples from what the first has trained."""

work_dir = 'work_dirs/smollm2_135m_two_rounds'
rounds = 2
data = 'smollm2_135m_elements'
training = 'smollm2_135m_maskdpo'
deepspeed = 'zero2'
