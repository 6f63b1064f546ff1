package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader is the HTTP header that proves who sent a notice, and when.
const SignatureHeader = "Cutover-Signature"

// What Verify wraps.
var (
	ErrSignature = errors.New("the signature does not hold")
	ErrStale     = errors.New("the signature is of another time")
)

// sign returns the header's value for a body sent at now.
func sign(body, secret []byte, now time.Time) string {
	at := strconv.FormatInt(now.Unix(), 10)
	return "t=" + at + ",v1=" + hex.EncodeToString(mac(at, body, secret))
}

func mac(at string, body, secret []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(at + "."))
	h.Write(body)
	return h.Sum(nil)
}

// Verify is for receivers of a [Webhook]: header is the value of Cutover-Signature, body the request's body byte for byte. It refuses what was
// not signed with secret (ErrSignature) or not within tolerance of now, before or after (ErrStale), so that a copy cannot be sent again later;
// within the tolerance the Idempotency-Key tells a copy. An unknown part of the header is ignored.
func Verify(header string, body, secret []byte, now time.Time, tolerance time.Duration) error {
	var at string
	var signatures [][]byte
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			if at != "" {
				return fmt.Errorf("%w: it has two times", ErrSignature)
			}
			at = value
		case "v1":
			signature, err := hex.DecodeString(value)
			if err != nil {
				return fmt.Errorf("%w: it is not hexadecimal", ErrSignature)
			}
			signatures = append(signatures, signature)
		}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || len(signatures) == 0 || len(secret) == 0 {
		return fmt.Errorf("%w: t, v1 or the secret is missing", ErrSignature)
	}
	want := mac(at, body, secret)
	held := false
	for _, signature := range signatures {
		held = hmac.Equal(signature, want) || held
	}
	if !held {
		return ErrSignature
	}
	if off := now.Sub(time.Unix(seconds, 0)).Abs(); off > tolerance {
		return fmt.Errorf("%w: %s away", ErrStale, off.Round(time.Second))
	}
	return nil
}
