"""The archive: months that are over leave the database for Parquet files, are read there, verified, brought back.

months       which months there are, and which of them may leave
writing      a month's rows to files, and the manifest that names them
verifying    the files against the rows, and ever after against their manifest
swapping     the month leaves its table, and the database notes where it went
restoring    the way back
reading      one order's rows from the files
"""
