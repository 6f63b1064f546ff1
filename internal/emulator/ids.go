package emulator

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// stableID is a UUID that depends on the names alone, so that every start of one scenario has the same ids.
func stableID(names ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// stableDigits is a digit string of 12 places, the form of Pinterest's ids.
func stableDigits(names ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return fmt.Sprintf("%012d", 100_000_000_000+binary.BigEndian.Uint64(sum[:8])%900_000_000_000)
}

// etag has the documented form, quotes included: the last group is the hexadecimal epoch second followed by 0000.
func etag(id string, revision int, at time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", id, revision))
	return fmt.Sprintf(`"%x-0000-0200-0000-%08x0000"`, sum[:4], at.Unix())
}
