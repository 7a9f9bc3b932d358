"""Customers who ask to be forgotten: what is kept of them goes from tables, archive and hot cache, and stays away.

The list of them, `warren.erased`, is read by whoever folds the log. It is written together with the next epoch of every
partition, so that nothing folded without it can be committed any more (I5); only then the rows are looked for.
"""
