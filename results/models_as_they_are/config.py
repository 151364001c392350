"""Models as people have them: a folder, an adapter over it, a template of its own, a server."""

_base_ = '../../configs/data/smollm2_135m_elements.py'

work_dir = 'work_dirs/models_as_they_are'
_tiny = 'work_dirs/tiny'
_template = "{% for m in messages %}Question: {{ m['content'] }} Answer:{% endfor %}"
policy = dict(model=_tiny)
evaluation = dict(
    # Questions that pairs were made of: it is said.
    questions=dict(split='train', topics=2),
    pairs='work_dirs/smollm2_135m_elements/pairs.jsonl',
    num_runs=1,
    top_k=1,
    max_new_tokens=16,
    perplexity=dict(plain='work_dirs/tiny_plain'),
    models=dict(
        adapter='work_dirs/tiny_adapter',
        template=dict(
            type='transformers', model=_tiny, template_kwargs=dict(chat_template=_template)
        ),
        served=dict(type='openai', model='short', base_urls=['http://127.0.0.1:23460']),
    ),
)
