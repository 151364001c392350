"""Two on-policy rounds with the paper's settings; NPROC_PER_NODE=8 on 8 GPUs of 80 GB."""

work_dir = 'work_dirs/llama3_8b_two_rounds'
rounds = 2
data = 'llama3_8b_anah'
training = 'llama3_8b_maskdpo'
deepspeed = 'zero2'
sampling_processes = 8
