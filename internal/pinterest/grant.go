package pinterest

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"time"
)

// App is an OAuth client registered at Pinterest. It shows its client id when
// printed or marshalled and nothing else.
type App struct {
	ClientID     string
	ClientSecret string
}

// String tells the client id.
func (a App) String() string { return "pinterest app " + a.ClientID }

// GoString tells what String tells.
func (a App) GoString() string { return a.String() }

// Format writes what String tells, whatever the verb.
func (a App) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// secrets are what no answer may bring back: the secret, and what the app signs in with, from which it can be read.
func (a App) secrets(more ...string) []string {
	pair := url.QueryEscape(a.ClientID) + ":" + url.QueryEscape(a.ClientSecret)
	return append(more, a.ClientSecret, base64.StdEncoding.EncodeToString([]byte(pair)))
}

// MarshalText writes what String tells, also into JSON.
func (a App) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Grant is what a person's consent gave an app. It shows its lifetimes when
// printed or marshalled and nothing else; who stores it takes the fields.
type Grant struct {
	AccessToken string
	// RefreshToken is the one to use from now on: Pinterest may have replaced the last one.
	RefreshToken string
	// ExpiresAt is when the access token ends; zero if Pinterest does not tell.
	ExpiresAt time.Time
	// RefreshExpiresAt is when the refresh token ends; zero if Pinterest does not tell.
	RefreshExpiresAt time.Time
	Scopes           []string
}

// String tells when the tokens end.
func (g Grant) String() string {
	return fmt.Sprintf("pinterest grant (access token until %s, refresh token until %s)", until(g.ExpiresAt), until(g.RefreshExpiresAt))
}

// GoString tells what String tells.
func (g Grant) GoString() string { return g.String() }

// Format writes what String tells, whatever the verb.
func (g Grant) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, g.String()) }

// MarshalText writes what String tells, also into JSON.
func (g Grant) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

func until(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format(time.RFC3339)
}
