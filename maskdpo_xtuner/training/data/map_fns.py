"""Our map functions in XTuner's registry, and how one is found; see `masking.map_fns`."""

from __future__ import annotations

from xtuner.registry import MAP_FUNC

from maskdpo_xtuner.masking import MapFunction, response_mask_map_fn, sentence_mask_map_fn

MAP_FUNC.register_module(module=sentence_mask_map_fn)
MAP_FUNC.register_module(module=response_mask_map_fn)


def find_map_fn(map_fn: str | MapFunction) -> MapFunction:
    """Find a map function by its name in ``MAP_FUNC`` or its dotted path; a function passes.

    Raises:
        ValueError: naming ours, when there is no such function.
    """
    if not isinstance(map_fn, str):
        return map_fn
    if map_fn not in MAP_FUNC and '.' not in map_fn:
        ours = ', '.join(name for name in MAP_FUNC.module_dict if name.endswith('_mask_map_fn'))
        raise ValueError(
            f'unknown dataset_map_fn {map_fn!r}; one of {ours}, or the dotted path of a function'
        )
    found: MapFunction = MAP_FUNC.get(map_fn)
    return found
