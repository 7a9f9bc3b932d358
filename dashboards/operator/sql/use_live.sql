-- The live version of pipeline $1. Until this transaction ends, unqualified names mean that version's tables.
SELECT live_version, set_config('search_path', quote_ident(name || '_v' || live_version), true)
  FROM warren.pipelines
 WHERE name = $1;
