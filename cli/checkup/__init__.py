"""Is everything Warren needs there and as it should be?"""
