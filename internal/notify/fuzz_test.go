package notify

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzVerify takes any header for a body: nothing but what was signed with the secret for that body and time holds.
func FuzzVerify(f *testing.F) {
	secret, now := []byte("s3cr3t-canary-7d1f"), time.Unix(1701432000, 0)
	good := sign([]byte("{}"), secret, now)
	for _, header := range []string{
		"", good, good + "," + good, "t=1,v1=00", strings.Replace(good, "t=", "t=0", 1), strings.Replace(good, "t=", "t=+", 1), strings.ToUpper(good), " " + good + " ,v2=x",
		"v1=,t=1701432000", "t=9223372036854775807,v1=00", "t=-9223372036854775808,v1=00", strings.Replace(good, ",", ",t=1,", 1), good[:len(good)-1], strings.Repeat(",", 50),
	} {
		f.Add(header, []byte("{}"), int64(0))
		f.Add(header, []byte("{} "), int64(301))
	}
	f.Fuzz(func(t *testing.T, header string, body []byte, late int64) {
		at := time.Unix(now.Unix()+late%1e9, 0)
		require.NoError(t, Verify(sign(body, secret, at), body, secret, at, 0))
		require.ErrorIs(t, Verify(sign(body, secret, at), append(body, 'x'), secret, at, 0), ErrSignature)
		require.ErrorIs(t, Verify(sign(body, secret, at), body, append(secret, 'x'), at, 0), ErrSignature)
		require.ErrorIs(t, Verify(sign(body, secret, at), body, nil, at, 0), ErrSignature)
		require.ErrorIs(t, Verify(sign(body, secret, at), body, secret, at.Add(2*time.Second), time.Second), ErrStale)
		err := Verify(header, body, secret, at, 5*time.Minute)
		if err == nil {
			// Who does not know the secret has no header but those above.
			require.Contains(t, strings.ToLower(header), strings.TrimPrefix(good[strings.Index(good, "v1="):], "v1="))
			require.Equal(t, "{}", string(body))
			return
		}
		require.NotContains(t, err.Error(), string(secret))
		require.Less(t, len(err.Error()), 200)
	})
}
