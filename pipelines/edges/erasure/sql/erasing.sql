SELECT order_no FROM erasing
