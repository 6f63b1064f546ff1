package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// WebhookConfig is where notices are posted to.
type WebhookConfig struct {
	URL    Secret // https, or http to this machine; its path or query may be a secret
	Secret Secret // what signatures are made with; the receiver has the same
}

// MinSecret is the shortest secret that signatures are made with, in bytes: a shorter one can be guessed from one signature.
const MinSecret = 16

// maxAnswer is how much of an answer is read, to use the connection again. Nothing of it is kept.
const maxAnswer = 64 << 10

// Webhook posts notices as JSON, the fields of [Notice], to one URL. Any 2xx is a receipt; a redirect is not followed. Headers of each request:
//
//	Idempotency-Key: 5f2d…              the same for the same notice, which can come twice
//	Cutover-Signature: t=1764547200,v1=9c1e…
//
// The signature is the HMAC-SHA256, in hexadecimal, of the time t in Unix seconds, a dot and the body as it was sent, under the shared secret.
// A receiver computes it anew, compares in constant time, and refuses a t that is more than some minutes off; in Go, [Verify] does that.
type Webhook struct {
	host   string
	url    Secret
	secret Secret
	client *http.Client
}

// NewWebhook returns the channel. Its errors are ConfigErrors.
func NewWebhook(c WebhookConfig) (*Webhook, error) {
	var wrong ConfigErrors
	u, err := url.Parse(c.URL.reveal())
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		wrong.add("url", "must be an absolute URL such as https://hooks.acme.example/cutover")
	case u.User != nil || u.Fragment != "":
		wrong.add("url", "must not hold a user, a password or a fragment: requests are signed")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		wrong.add("url", "must use https (http to this machine only)")
	}
	if secret := c.Secret.reveal(); len(secret) < MinSecret {
		wrong.add("secret", "must have at least %d characters: openssl rand -hex 32 makes one", MinSecret)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return &Webhook{host: u.Host, url: c.URL, secret: c.Secret, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Name implements [Channel].
func (*Webhook) Name() string { return "webhook" }

// Send implements [Channel].
func (w *Webhook) Send(ctx context.Context, n Notice) error {
	body, err := json.Marshal(n)
	if err != nil {
		return refused("cannot be written as JSON: check the notice's texts")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.reveal(), bytes.NewReader(body))
	if err != nil {
		return down("has no usable URL: check it")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", token(n.Key))
	request.Header.Set("User-Agent", "cutover")
	request.Header.Set(SignatureHeader, sign(body, []byte(w.secret.reveal()), time.Now()))
	answer, err := w.client.Do(request)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		return down("%s %s", w.host, unreached(ctx, err))
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // the status has said it
	return judge(w.host, answer.StatusCode)
}

// judge says what an HTTP status means for a notice.
func judge(host string, status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return down("%s answered %d, a redirect, which is not followed: give the final URL", host, status)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return down("%s answered %d: check the secret or token", host, status)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusGone:
		return down("%s answered %d: check the URL", host, status)
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return down("%s answered %d: check that it is well", host, status)
	}
	return refused("%s answered %d: it does not take this notice; its log says why", host, status)
}
