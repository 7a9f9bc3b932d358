SELECT path FROM archived_months WHERE dataset = 'timeline' ORDER BY month
