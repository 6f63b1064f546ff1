package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"cutover/internal/notify"
)

// What a receiver of webhooks does.
func ExampleVerify() {
	secret := []byte("the secret that the channels file refers to")
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			err = notify.Verify(r.Header.Get(notify.SignatureHeader), body, secret, time.Now(), 5*time.Minute)
		}
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var notice notify.Notice
		if err := json.Unmarshal(body, &notice); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Println(notice.Subject)
	}))
	defer receiver.Close()

	for _, key := range []string{string(secret), "a secret of somebody else"} {
		webhook, err := notify.NewWebhook(notify.WebhookConfig{URL: notify.NewSecret(receiver.URL), Secret: notify.NewSecret(key)})
		if err != nil {
			panic(err)
		}
		err = webhook.Send(context.Background(), notify.Notice{Key: "k", Subject: "Sign in again at Pinterest"})
		fmt.Println(err == nil)
	}
	// Output:
	// Sign in again at Pinterest
	// true
	// false
}
