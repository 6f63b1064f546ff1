package emulator

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Kinds of ledger entries.
const (
	KindToken   = "token"   // a token request
	KindRead    = "read"    // one entity was asked for
	KindList    = "list"    // a page was asked for
	KindWrite   = "write"   // a change was asked for through a vendor's API
	KindState   = "state"   // something stands or changed by itself: initial state, transition, expiry, stage
	KindEdit    = "edit"    // a person changed something in the vendor's own user interface
	KindRefused = "refused" // the gateway refused the caller
	KindCross   = "cross"   // credentials of one organization came with another's id
)

// Entry is one line of the ledger. The state of an entity changes exactly at the entries that are applied and whose
// After differs from Before, whatever their kind.
type Entry struct {
	Seq            int64     `json:"seq"`
	At             time.Time `json:"at"` // by the emulator's clock
	Organization   string    `json:"organization,omitempty"`
	Sandbox        string    `json:"sandbox,omitempty"`
	Actor          string    `json:"actor"` // client id, "person:<who>" or "system"
	Kind           string    `json:"kind"`
	Entity         string    `json:"entity,omitempty"` // flow, connection, targetConnection, spec, run, pinterest
	ID             string    `json:"id,omitempty"`
	Op             string    `json:"op,omitempty"`
	Before         string    `json:"before,omitempty"`
	After          string    `json:"after,omitempty"`
	ContentVersion int       `json:"content_version,omitempty"` // rises when anything but the state changes
	Card           string    `json:"card,omitempty"`            // "old", "new" or "other"
	Account        string    `json:"account,omitempty"`         // a flow's account
	Origin         string    `json:"origin,omitempty"`          // a copy's original; no vendor answer shows it
	Status         int       `json:"status,omitempty"`          // HTTP status of the answer, sent or lost
	Applied        bool      `json:"applied"`
	Answered       bool      `json:"answered"`
	RequestID      string    `json:"request_id,omitempty"`
	Fault          string    `json:"fault,omitempty"` // id of the fault that shaped the answer
	Detail         string    `json:"detail,omitempty"`
	Served         []Served  `json:"served,omitempty"`
}

// Served is an entity as one read showed it.
type Served struct {
	ID             string `json:"id"`
	ContentVersion int    `json:"content_version,omitempty"`
	State          string `json:"state,omitempty"`
}

// ledger is append-only. Its file gets each entry by one write, so that a killed process loses none.
type ledger struct {
	entries []Entry
	seq     int64
	file    *os.File
	broken  error
}

func openLedger(path string) (*ledger, error) {
	if path == "" {
		return &ledger{}, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open ledger file: %w", err)
	}
	return &ledger{file: file}, nil
}

func (l *ledger) append(entry Entry) {
	l.seq++
	entry.Seq = l.seq
	l.entries = append(l.entries, entry)
	if l.file == nil || l.broken != nil {
		return
	}
	line, err := json.Marshal(entry)
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if err != nil {
		l.broken = fmt.Errorf("write ledger entry %d: %w", entry.Seq, err)
	}
}

// after copies the entries whose sequence number is greater than seq.
func (l *ledger) after(seq int64) []Entry {
	first := max(0, min(seq, int64(len(l.entries))))
	return append([]Entry(nil), l.entries[first:]...)
}

func (l *ledger) close() error {
	if l.file == nil {
		return nil
	}
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("close ledger file: %w", err)
	}
	return nil
}
