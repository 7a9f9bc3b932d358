-- As every reader does, but before the moment that is read: no month leaves or comes back in between.
LOCK TABLE timeline IN ACCESS SHARE MODE
