"""FActScore over HTTP: both steps by a stand-in, the pages being the documents of the questions."""

_base_ = '../../configs/data/smollm2_135m_elements.py'

work_dir = 'work_dirs/factscore_http'
_served = dict(type='openai', base_urls=['http://127.0.0.1:23400'])
evaluation = dict(
    _delete_=True,
    questions=dict(type='table', table='elements', split='test', topics=4),
    judges=[dict(type='factscore', engine=dict(_served, model='facts'), cut_sentence='judged')],
    num_runs=2,
    models=dict(
        base=dict(_served, model='elements-base'),
        maskdpo=dict(_served, model='elements-maskdpo-1'),
        wrecked=dict(_served, model='elements-wrecked-1'),
    ),
)
