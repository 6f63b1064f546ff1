package vendorhttp

import "io"

// MaxBody is the longest answer that counts as one, in bytes: 16 MiB.
const MaxBody = 16 << 20

// ReadBody reads at most MaxBody+1 bytes: an answer longer than [MaxBody] is cut off.
func ReadBody(body io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(body, MaxBody+1))
}
