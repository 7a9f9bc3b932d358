SELECT customer FROM warren.erased
