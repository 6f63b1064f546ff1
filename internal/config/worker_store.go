package config

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"cutover/internal/engine"
)

// readStore checks what is said of the store and of the links to the reconnect page.
func (w *Worker) readStore(read func(name, fallback string) string, fault func(name, format string, args ...any)) {
	path, isFile := strings.CutPrefix(w.StoreURL, "sqlite:")
	if isFile && path == "" || !isFile && !strings.HasPrefix(w.StoreURL, "postgres://") && !strings.HasPrefix(w.StoreURL, "postgresql://") {
		fault(EnvStoreURL, "must begin with sqlite: or postgres://, such as %s", defaultStoreURL)
	}
	if w.PortalURL != "" {
		if err := checkURL(w.PortalURL, w.AllowPlainHTTP); err != nil {
			fault(EnvPortalURL, "%w", err)
		} else if u, err := url.Parse(w.PortalURL); err != nil || u.Path != "" {
			fault(EnvPortalURL, "must be a scheme and a host alone, such as https://reconnect.acme.example")
		}
	}
	if text := read(EnvLinkLifetime, ""); text != "" {
		lifetime, err := time.ParseDuration(text)
		if err != nil || lifetime < minLinkLifetime || lifetime > maxLinkLifetime {
			fault(EnvLinkLifetime, "is %q; it must be a duration from 10m to 720h", text)
		}
		w.LinkLifetime = lifetime
	}
}

// readCodec checks what is said of encrypted payloads and of the endpoint that decrypts them for the Web UI.
func (w *Worker) readCodec(read func(name, fallback string) string, fault func(name, format string, args ...any)) {
	for _, origin := range strings.FieldsFunc(read(EnvCodecOrigins, ""), func(r rune) bool { return r == ',' || r == ' ' }) {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
			fault(EnvCodecOrigins, "must be origins such as https://temporal.acme.example, separated by commas")
			break
		}
		w.CodecOrigins = append(w.CodecOrigins, u.Scheme+"://"+u.Host)
	}
	switch {
	case w.CodecKeys == "" && w.CodecKMS != "":
		fault(engine.EnvCodecKMS, "is given without %s: there is nothing to open", engine.EnvCodecKeys)
	case w.CodecKeys == "" && w.CodecAddress != "":
		fault(EnvCodecAddress, "is given without %s: there is nothing to decode with", engine.EnvCodecKeys)
	}
	if w.CodecAddress == "" {
		if w.CodecToken != "" || len(w.CodecOrigins) > 0 {
			fault(EnvCodecAddress, "is missing: %s and %s belong to the endpoint there", EnvCodecOrigins, EnvCodecToken)
		}
		return
	}
	host, _, err := net.SplitHostPort(w.CodecAddress)
	switch {
	case err != nil || CheckAddress(w.CodecAddress) != nil:
		fault(EnvCodecAddress, "is %q; it must be HOST:PORT such as 127.0.0.1:8083", w.CodecAddress)
	case w.CodecToken == "" && !IsLoopback(host):
		fault(EnvCodecToken, "is missing: %s is open to other machines, and whoever reaches it without a token reads everything", w.CodecAddress)
	}
}

// ReadCodecToken reads the token of the codec endpoint from a file that nobody else can read. No error holds a part of it.
func ReadCodecToken(path string) (string, error) {
	data, err := readPrivate(path)
	if err == nil {
		var token string
		token, err = oneLine(string(data), path, "file "+path+" is empty")
		if err == nil && len(token) < minCodecToken {
			err = fmt.Errorf("the token in %s is shorter than %d characters", path, minCodecToken)
		}
		if err == nil {
			return token, nil
		}
	}
	return "", fmt.Errorf("%s: %w", EnvCodecToken, err)
}

// minCodecToken keeps a token from being guessed.
const minCodecToken = 16

// Password is the password in a store's URL, which no log may hold; empty if there is none.
func (w Worker) Password() string {
	u, err := url.Parse(w.StoreURL)
	if err != nil {
		return ""
	}
	password, given := u.User.Password()
	if !given {
		password = u.Query().Get("password")
	}
	return password
}
