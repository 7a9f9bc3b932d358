SELECT DISTINCT partition FROM counts ORDER BY partition
