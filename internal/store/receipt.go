package store

import (
	"context"
	"fmt"
	"time"
)

// Receipt tells by which channel and when the notice of that key was delivered; an empty channel says that it was not.
func (d *Database) Receipt(ctx context.Context, key string) (channel string, at time.Time, err error) {
	var ms int64
	if _, err := d.one(ctx, "SELECT channel, delivered_at FROM receipts WHERE key = ?", []any{key}, &channel, &ms); err != nil {
		return "", time.Time{}, fmt.Errorf("look for the receipt of %s: %w", key, err)
	}
	return channel, instant(ms), nil
}

// KeepReceipt notes that a notice was delivered and returns the first delivery, which may be another's: of many who note one, the first stays.
func (d *Database) KeepReceipt(ctx context.Context, key, channel string, at time.Time) (firstChannel string, firstAt time.Time, err error) {
	if _, err := d.exec(ctx, "INSERT INTO receipts (key, channel, delivered_at) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING", key, channel, millis(at)); err != nil {
		return "", time.Time{}, fmt.Errorf("keep the receipt of %s: %w", key, err)
	}
	return d.Receipt(ctx, key)
}
