"""The paper's sampling and pairing (section 2.2, appendix A): the answers of the policy itself."""

sampling = dict(num_samples=32, top_k=40, temperature=0.8, max_new_tokens=1024)
pairs = dict(
    rule='best_worst',
    no_facts='correct',
    ties='first',
    truncated_chosen=True,
    truncated_rejected=True,
)
