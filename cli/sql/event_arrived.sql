-- Whether the pipeline has come to the event with identity $2 of order number $1.
SELECT EXISTS (SELECT FROM ledger WHERE order_no = $1 AND identity = $2)
