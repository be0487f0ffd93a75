/** Written into the file's header, so that no other application's database is ever taken for ours: "SJN1" in ASCII. */
export const APPLICATION_ID = 0x53_4a_4e_31

/**
 * The schema, one step a version; `PRAGMA user_version` counts the steps a file has had. Append, never edit: a file out there
 * has run the old text. Each step runs in one transaction with the count.
 *
 * - Tombstones share the table with records, so that one primary key guards an id against both. Theirs is the row with
 *   `revoked_at`; its `deadline` is then the absolute one, so a single index finds all that `purge` may remove.
 * - `sessions` is a rowid table although its key is text: bodies of several hundred bytes make a WITHOUT ROWID tree deep.
 * - A link's keys are columns, so that they go with their row. Each has an index of the few rows that have one: the others pay nothing.
 * - What `query` goes by is in the order of `started_at`, in indexes that a touch does not change: see `search.ts`.
 * - `subject`, `device` and `network` are BLOB columns, which in SQLite means "keep what is given": see `text.ts`.
 * - Columns are not STRICT, so an instant with a fraction of a millisecond is kept as it is rather than refused.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    version INTEGER NOT NULL,
    subject BLOB,
    epoch INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    absolute_deadline INTEGER NOT NULL,
    revoked_at INTEGER,
    reason TEXT,
    body BLOB
  );
  CREATE INDEX sessions_subject ON sessions (subject, revoked_at, started_at) WHERE subject IS NOT NULL;
  CREATE INDEX sessions_deadline ON sessions (deadline);

  CREATE TABLE epochs (
    subject BLOB PRIMARY KEY NOT NULL,
    epoch INTEGER NOT NULL,
    check_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX epochs_check_at ON epochs (check_at);

  CREATE TABLE ledger (
    kind INTEGER NOT NULL,
    key TEXT NOT NULL,
    deadline INTEGER NOT NULL,
    count INTEGER NOT NULL,
    value BLOB,
    PRIMARY KEY (kind, key)
  ) WITHOUT ROWID;
  CREATE INDEX ledger_deadline ON ledger (deadline);

  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY NOT NULL,
    topic BLOB NOT NULL,
    message BLOB NOT NULL
  );
  `,
  `
  ALTER TABLE sessions ADD COLUMN link_at INTEGER;
  ALTER TABLE sessions ADD COLUMN link_1 TEXT;
  ALTER TABLE sessions ADD COLUMN link_2 TEXT;
  ALTER TABLE sessions ADD COLUMN link_3 TEXT;
  CREATE INDEX sessions_link_1 ON sessions (link_1) WHERE link_1 IS NOT NULL;
  CREATE INDEX sessions_link_2 ON sessions (link_2) WHERE link_2 IS NOT NULL;
  CREATE INDEX sessions_link_3 ON sessions (link_3) WHERE link_3 IS NOT NULL;
  `,
  `
  ALTER TABLE sessions ADD COLUMN device BLOB;
  ALTER TABLE sessions ADD COLUMN network BLOB;
  CREATE INDEX sessions_started ON sessions (started_at);
  CREATE INDEX sessions_ended ON sessions (started_at) WHERE revoked_at IS NOT NULL;
  CREATE INDEX sessions_device ON sessions (device, started_at) WHERE device IS NOT NULL;
  CREATE INDEX sessions_network ON sessions (network, started_at) WHERE network IS NOT NULL;
  `,
]
