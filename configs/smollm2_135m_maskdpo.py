"""The demo: Mask-DPO of the built-in model on its own answers, minutes on two CPU cores.

    xtuner train configs/smollm2_135m_maskdpo.py --deepspeed zero2

The pairs are what `python tools/sample_and_annotate.py` writes when run without arguments.
"""

_base_ = [
    '_base_/models/smollm2_135m_instruct.py',
    '_base_/datasets/preference_pairs.py',
    '_base_/schedules/adamw_cosine_3e.py',
    '_base_/default_runtime.py',
]

# Ours, not the paper's: the likelihood of the chosen answers' correct sentences keeps the model
# from unlearning to speak; docs/demo.md has what was tried.
model = dict(beta=0.1, loss_options=dict(nll=4.0), use_activation_checkpointing='auto')
optim_wrapper = dict(optimizer=dict(lr=2e-5))
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        dataset=dict(path='work_dirs/smollm2_135m_elements/pairs.jsonl'),
        max_length=384,
        # Chosen answers are the shorter ones here: their ends would teach to say little.
        end_of_turn='never',
    ),
)
# A sample of 40 tokens shows a broken model as well, in half of the time on a CPU.
default_hooks = dict(logger=dict(interval=1), samples=dict(max_new_tokens=40))
