SELECT name, password, role, disabled, changed_at FROM warren.accounts WHERE name = $1;
