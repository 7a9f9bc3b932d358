-- The live version of pipeline $1. From here on unqualified names mean its tables, and nothing can be written.
SELECT live_version,
       set_config('search_path', quote_ident(name || '_v' || live_version), false),
       set_config('default_transaction_read_only', 'on', false)
  FROM warren.pipelines
 WHERE name = $1
