CREATE TABLE images (
  seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  id VARCHAR(255) NOT NULL,
  sha256 VARCHAR(64) NOT NULL,
  added_at FLOAT NOT NULL,
  UNIQUE (id)
);
CREATE TABLE models (
  model INTEGER NOT NULL,
  version INTEGER NOT NULL,
  sha256 VARCHAR(64) NOT NULL,
  dimension INTEGER NOT NULL,
  in_use BOOLEAN NOT NULL,
  PRIMARY KEY (model),
  UNIQUE (version)
);
CREATE TABLE tasks (
  task_id VARCHAR(36) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  state VARCHAR(16) NOT NULL,
  phase VARCHAR(32) NOT NULL,
  progress FLOAT NOT NULL,
  message VARCHAR(64),
  detail VARCHAR,
  attempt INTEGER NOT NULL,
  snapshot INTEGER,
  lease_until FLOAT,
  generation INTEGER,
  images INTEGER,
  created_at FLOAT NOT NULL,
  finished_at FLOAT,
  PRIMARY KEY (task_id)
);
CREATE INDEX ix_tasks_state ON tasks (state);
CREATE TABLE features (
  model INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  vector BLOB NOT NULL,
  PRIMARY KEY (model, seq),
  FOREIGN KEY(model) REFERENCES models (model),
  FOREIGN KEY(seq) REFERENCES images (seq)
);
CREATE TABLE pictures (
  seq INTEGER NOT NULL,
  jpeg BLOB NOT NULL,
  PRIMARY KEY (seq),
  FOREIGN KEY(seq) REFERENCES images (seq)
)
