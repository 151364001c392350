"""The models of `make demo-full` trained on countries, by what they answered on an H100.

The engines are the stand-in server with the recorded responses (README.md of this folder).
"""

_base_ = '../../configs/data/smollm2_135m_countries.py'

work_dir = 'work_dirs/demo_full_h100/countries'
_served = dict(type='openai', base_urls=['http://127.0.0.1:23400'])
evaluation = dict(
    models=dict(
        base=dict(_served, model='countries-base'),
        maskdpo=[dict(_served, model=f'countries-maskdpo-{seed}') for seed in (1, 2, 3)],
        sft=[dict(_served, model=f'countries-sft-{seed}') for seed in (1, 2, 3)],
        dpo=[dict(_served, model=f'countries-dpo-{seed}') for seed in (1, 2, 3)],
    ),
)
