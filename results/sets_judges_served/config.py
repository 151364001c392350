"""Two sets, three judges each, and models that each have a server of their own (stand-ins)."""

_base_ = '../../configs/data/smollm2_135m_elements.py'

work_dir = 'work_dirs/sets_judges_served'
_elements = dict(type='table', table='elements', split='test', topics=4)
_countries = dict(type='table', table='countries', split='test', topics=4)
_llm = dict(
    type='openai', model='judge', base_urls=['http://127.0.0.1:23411'], concurrency_per_endpoint=4
)
evaluation = dict(
    _delete_=True,
    sets=[
        dict(name='elements', questions=_elements),
        dict(name='countries', questions=_countries, k=8, num_runs=1),
    ],
    judges=[
        dict(type='lexical', cut_sentence='judged'),
        dict(
            type='table',
            table='elements',
            cut_sentence='judged',
            name='elements-table',
            sets=['elements'],
        ),
        dict(
            type='table',
            table='countries',
            cut_sentence='judged',
            name='countries-table',
            sets=['countries'],
        ),
        dict(type='llm', engine=_llm, cut_sentence='judged'),
    ],
    num_runs=2,
    models=dict(
        base=dict(type='openai', model='base', base_urls=['http://127.0.0.1:23411']),
        maskdpo=dict(type='openai', model='maskdpo-1', base_urls=['http://127.0.0.1:23412']),
        sft=dict(type='openai', model='sft-1', base_urls=['http://127.0.0.1:23413']),
    ),
)
