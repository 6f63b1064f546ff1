package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"cutover/internal/folder"
)

// channel is what receipts of an Outbox name.
const channel = "outbox"

// Outbox delivers notices into a directory, where a mail gateway or a person picks them up: per key one JSON file for programs and one text
// file for people. Many outboxes, in one process or several, may share a directory.
type Outbox struct {
	folder folder.Folder
	now    func() time.Time
}

// New returns the outbox in dir, which is made if it is not there. now is the clock of receipts.
func New(dir string, now func() time.Time) (*Outbox, error) {
	f, err := folder.Open(dir)
	if err != nil {
		return nil, err
	}
	return &Outbox{folder: f, now: now}, nil
}

// record is a delivered notice as it is kept.
type record struct {
	Notice
	At time.Time `json:"at"`
}

// Name implements [Channel].
func (*Outbox) Name() string { return channel }

// Send implements [Channel]: it writes the notice unless its key was delivered before.
func (o *Outbox) Send(ctx context.Context, n Notice) error {
	_, err := o.Deliver(ctx, n)
	return err
}

// Deliver writes the notice unless its key was delivered before, in which case it returns the first receipt.
func (o *Outbox) Deliver(ctx context.Context, n Notice) (Receipt, error) {
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	if n.Key == "" {
		return Receipt{}, ErrNoKey
	}
	kept, err := o.deliver(n)
	if err != nil {
		return Receipt{}, fmt.Errorf("deliver notice %s of %s into %s: %w", n.Kind, n.Organization, o.folder, err)
	}
	return Receipt{Key: n.Key, At: kept.At, Channel: channel}, nil
}

func (o *Outbox) deliver(n Notice) (record, error) {
	name := fileName(n.Key)
	data, err := json.MarshalIndent(record{Notice: n, At: o.now().UTC().Round(0)}, "", "  ")
	if err != nil {
		return record{}, fmt.Errorf("encode: %w", err)
	}
	// The JSON file decides: whoever makes it first has delivered. The text file follows from it, so that a crash between the two or a second
	// delivery with other words cannot make them differ.
	if err := o.create(name+".json", append(data, '\n')); err != nil {
		return record{}, err
	}
	kept, err := o.read(name + ".json")
	if err != nil {
		return record{}, err
	}
	if kept.Key != n.Key {
		return record{}, fmt.Errorf("%s holds another notice", name+".json")
	}
	return kept, o.create(name+".txt", []byte(kept.letter()))
}

// create makes the file unless there is one.
func (o *Outbox) create(name string, data []byte) error {
	if err := o.folder.Create(name, data); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (o *Outbox) read(name string) (record, error) {
	data, err := o.folder.Read(name)
	if err != nil {
		return record{}, err
	}
	var kept record
	if err := json.Unmarshal(data, &kept); err != nil {
		return record{}, fmt.Errorf("%s is not a notice: move it away: %w", name, err)
	}
	return kept, nil
}

// letter is the notice for people.
func (r record) letter() string {
	line := strings.NewReplacer("\r", " ", "\n", " ").Replace // a header stays on its line
	return fmt.Sprintf("To: %s\nSubject: %s\nDate: %s\nOrganization: %s\nKey: %s\n\n%s\n",
		line(strings.Join(r.To, ", ")), line(r.Subject), r.At.Format(time.RFC3339), line(r.Organization), line(r.Key), strings.TrimRight(r.Text, "\n"))
}

var unsafe = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// maxStem leaves room for the digest and the ending in every file system.
const maxStem = 80

// fileName makes a name that any file system takes, readable at its front and unique by its digest.
func fileName(key string) string {
	stem := strings.Trim(unsafe.ReplaceAllString(key, "_"), "._-")
	if len(stem) > maxStem {
		stem = stem[:maxStem]
	}
	sum := sha256.Sum256([]byte(key))
	return strings.TrimLeft(stem+"-"+hex.EncodeToString(sum[:8]), "-")
}
