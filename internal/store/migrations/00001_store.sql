-- One set for SQLite and PostgreSQL. Instants are milliseconds since 1970, 0 for none; a digest is a SHA-256 in hexadecimal; what is sealed is bound to its row.

-- +goose Up
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL
);

CREATE TABLE grants (
    organization TEXT NOT NULL,
    account TEXT NOT NULL,
    sealed BYTEA NOT NULL, -- both tokens
    digest TEXT NOT NULL, -- of the refresh token
    scopes TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    refresh_expires_at BIGINT NOT NULL,
    consented_at BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    refused_at BIGINT NOT NULL,
    why TEXT NOT NULL,
    locked_by TEXT NOT NULL, -- who renews it, empty for nobody
    locked_until BIGINT NOT NULL, -- by the clock of the database
    PRIMARY KEY (organization, account)
);

CREATE TABLE links (
    digest TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    playbook TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    digest TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    playbook TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE authorizations (
    digest TEXT PRIMARY KEY, -- of the state
    session TEXT NOT NULL, -- its digest
    account TEXT NOT NULL,
    sealed BYTEA NOT NULL, -- the verifier
    expires_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);

CREATE TABLE receipts (
    key TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    delivered_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE receipts;
DROP TABLE authorizations;
DROP TABLE sessions;
DROP TABLE links;
DROP TABLE grants;
DROP TABLE meta;
