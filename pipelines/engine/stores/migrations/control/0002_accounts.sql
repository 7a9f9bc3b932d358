-- People who may sign in at the board with a password. Written by `warren account`, read by the board.
CREATE TABLE accounts (
    name       text PRIMARY KEY CHECK (name = lower(name)),
    password   text NOT NULL,
    role       text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    disabled   boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
