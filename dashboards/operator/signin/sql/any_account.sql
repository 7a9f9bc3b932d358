SELECT EXISTS (SELECT FROM warren.accounts WHERE NOT disabled);
