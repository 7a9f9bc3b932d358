-- What came before its customer was named, who is erased.
UPDATE timeline SET body = '' WHERE order_no = ANY($1::bigint[]) AND body <> ''
