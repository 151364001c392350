"""Pages by title, out of an SQLite file such as the one that FActScore was released with."""

from maskdpo_xtuner.knowledge.building import PageRecord, build_knowledge, read_pages
from maskdpo_xtuner.knowledge.pages import Knowledge, Page

__all__ = ['Knowledge', 'Page', 'PageRecord', 'build_knowledge', 'read_pages']
