"""Bring a shop's history along: existing tables to order events, by a mapping file. docs/importing.md tells how."""

from pipelines.edges.importer.csv_tables import CsvTables
from pipelines.edges.importer.mapping import Mapping
from pipelines.edges.importer.mapping_file import load_mapping, parse_mapping
from pipelines.edges.importer.queries import QueryTables
from pipelines.edges.importer.rows import Reject, Tables
from pipelines.edges.importer.run import ImportResult, import_orders

__all__ = [
    "CsvTables",
    "ImportResult",
    "Mapping",
    "QueryTables",
    "Reject",
    "Tables",
    "import_orders",
    "load_mapping",
    "parse_mapping",
]
