"""What the paper leaves unsaid of each experiment and how it is read here; what is done by hand."""

from __future__ import annotations

from maskdpo_xtuner.evaluation.paper import paper
from maskdpo_xtuner.reproduction.plan import Reading

TITLES = {table.name: table.title for table in paper().tables} | {
    'judges': 'Pairs of the same answers by other judges (sections 3.2, 3.3)',
    'rounds': 'One more round, on answers of the aligned model; not of the paper',
    'affinity': 'How near entities are to their topics, before and after (appendix C.1)',
    'perplexity': 'Perplexity of the answers under GPT-2 (appendix C.2)',
    'figure3': 'Answers before and after the training (appendix D)',
}

QUESTIONS_BY_HAND = (
    '`maskdpo hold-out ANAH/eval/anah_v2/question_document.jsonl --test 177 --train 8046 '
    '--out-train question_document.jsonl --out-test test_question_document.jsonl` makes this file '
    'and the next (docs/table2.md); or put questions of yours there'
)
TEST_BY_HAND = (
    'made with the questions to train on, on other topics; the paper has 177 unnamed ones'
)
PROMPTS_BY_HAND = 'clone the repository of ANAH-v2 and run `maskdpo import-anah-prompts CHECKOUT`'
SERVED_BY_HAND = (
    'start the judge, `lmdeploy serve api_server Qwen/Qwen3-32B --tp 4 --server-port 23334 '
    '--enable-prefix-caching`, on GPUs that the other steps leave free, and say so by `touch`; '
    'another judge is another `base_urls` and `model` in a copy of the config'
)
PAGES_BY_HAND = (
    "put FActScore's names and pages there, as docs/factscore.md says (`python -m "
    'factscore.download_data`)'
)
ORACLE_BY_HAND = (
    "put SePO's oracle there, a small model aligned by DPO, and what it was aligned from in "
    'sepo_reference; docs/paper.md says which the paper took'
)
HARNESS_BY_HAND = (
    "make OpenCompass' own environment: `python -m venv oc && oc/bin/pip install opencompass peft "
    "'transformers<5' 'pyarrow<22'`"
)

EVERYWHERE = (
    Reading('beta', '0.1, as in DPO and in the released code'),
    Reading(
        'max_length, max_new_tokens', '1,024 tokens of prompt and response; 1,024 of a response'
    ),
    Reading('a system prompt', 'none: the question alone, by the chat template of the model'),
    Reading('the splitter of sentences', 'ours, for English and Chinese (`splitters/`)'),
    Reading('learning rate', '5e-6 as printed; the released config has 5e-7'),
    Reading('warm-up, weight decay, clipping', '3 %, 0 and 1.0, as in the released config'),
    Reading(
        'which of equally good answers is chosen',
        'the first (`pairs.ties`); the rules are settings',
    ),
    Reading(
        'which questions are the test set',
        'yours: numbers of other questions are not to be compared with those of the paper',
    ),
    Reading(
        '"the mean value after five replications"',
        'five trainings of different seeds on the same pairs: decoding is greedy, so that nothing '
        'else could differ; `--seeds`',
    ),
)
_FACTTUNE = (
    Reading(
        'how FactTune was applied',
        'the first 10 of the answers at temperature 0.8 (its own paper samples at 1.0), every two '
        'of different FActScore, plain DPO with the settings of Mask-DPO: up to 45 pairs a '
        'question, which is what takes long (`pairs.max_pairs` limits them)',
    ),
    Reading('the model behind FActScore', 'Qwen3-32B, served; any other is a setting'),
    Reading('the pages of FActScore on ANAH', 'the reference document of the question'),
)
READINGS: dict[str, tuple[Reading, ...]] = {
    'table1': (
        *_FACTTUNE,
        Reading(
            'which 183 of the 500 biographies', 'all 500 (`evaluation.questions.limit` for fewer)'
        ),
        Reading(
            'Biography for models that take several GPUs, and Gemma 2',
            'not in the command: give them engines as `open_models.py` does',
        ),
    ),
    'table2': (
        Reading(
            '"w/o mask"',
            'plain DPO on the same pairs: every token of both answers counts, the end of turn, too',
        ),
        *_FACTTUNE[1:],
    ),
    'table3': (
        Reading(
            'whether the InternLM row keeps prompts and K', 'it does; the policy alone is another'
        ),
        Reading(
            'how the document stands in the prompt (Llama+Doc)',
            'before the question (`sampling.document_for_chosen`); training reads the prompt '
            'without it',
        ),
        *_FACTTUNE[1:],
    ),
    'table4': (
        Reading('which topics and questions', 'drawn by a seed (`subset.seed`)'),
        Reading('training of smaller sets', 'three epochs of what there is: fewer steps'),
    ),
    'table5': (
        Reading(
            'the vector of a topic', 'the mean over the tokens of its name in the last hidden layer'
        ),
        Reading('the middle topic of an odd cluster', 'near and far by turns; docs/subsets.md'),
        Reading(
            'the two random groups', 'two halves, drawn by a seed; more draws by `subset.seed`'
        ),
        Reading('"OpenAI"', 'text-embedding-3-large from an endpoint, which costs money'),
    ),
    'table6': (
        Reading('how best of N is estimated', 'over all subsets of N of the 256 answers'),
        Reading('temperature', '0.8, as for the pairs; top-k 40 is said'),
    ),
    'table7': (
        Reading(
            'how the base model is fine-tuned',
            "XTuner's own `SupervisedFinetune` on the whole chosen answers, with the template of "
            'the Instruct model, rate, epochs and batch of the preference training',
        ),
        Reading('whose pairs, which reference', "the Instruct model's pairs; the fine-tuned model"),
    ),
    'table8': (
        Reading('whose masks', 'none: whole answers, on the pairs of Mask-DPO'),
        Reading("DPOP's and TDPO's beta", '0.1, as for the others'),
        Reading(
            "SePO's oracle",
            "its authors' small DPO model, which you put in place; 30 % of the tokens are kept",
        ),
    ),
    'table9': (
        *_FACTTUNE,
        Reading(
            'what FLAME is fine-tuned on',
            'its idea: what the model said before instruction tuning, asked with five examples. '
            'FLAME takes the examples most like the question from OpenAssistant; ours are five '
            'fixed ones. Of 10 answers the best by FActScore is taken',
        ),
        Reading(
            "FLAME's pairs",
            'best and worst of 10 answers of the fine-tuned model by FActScore, plain DPO; its '
            'reward for following instructions has no place here, all questions ask for facts',
        ),
        Reading("FLAME's own steps and rates", 'those of Mask-DPO, so that methods are compared'),
    ),
    'table10': (
        Reading('prompts and versions', "OpenCompass' own, docs/benchmarks.md names them"),
        Reading('how many models', 'the first seed'),
    ),
    'table11': (Reading('the temperature of the evaluation', 'greedy: only the pairs differ'),),
    'table12': (
        Reading('the vector of a question', 'the mean over the tokens of the question'),
        Reading('clusters', 'as for topics, around the test questions'),
    ),
    'judges': (
        Reading(
            'which part of the gain is the judge',
            'Mask-DPO on the same answers as FActScore labels their sentences, and where it agrees '
            'with ANAH-v2; the paper only compares FactTune with its plain DPO',
        ),
    ),
    'rounds': (Reading('rounds', 'the paper trains once; docs/rounds.md has the choices'),),
    'affinity': (Reading('entities, layer, distance', 'docs/affinity.md has every choice'),),
    'perplexity': (
        Reading(
            'what GPT-2 reads', 'the answer alone after its start token, in windows where long'
        ),
    ),
    'figure3': (
        Reading('the question', '"What is a hei-tiki?", where your test questions have it'),
    ),
}
