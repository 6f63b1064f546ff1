package engine

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"

	"go.temporal.io/sdk/converter"
)

// maxDecode bounds a request, in bytes: a page of a history, whose messages the server bounds at 4 MiB, in base64 and JSON.
const maxDecode = 8 << 20

// CodecHandler serves POST /decode to the Web UI and to Temporal's own tools (--codec-endpoint), which then show what is encrypted. It seals nothing:
// whoever could have it seal could write into histories under our keys.
//
// Browsers may ask from the given origins alone, such as https://temporal.acme.example. With a token every request must bear it
// (Authorization: Bearer ..., as --codec-auth sends it); without one, whoever reaches the endpoint reads everything.
func CodecHandler(s Sealer, origins []string, token string) http.Handler {
	decode := converter.NewPayloadCodecHTTPHandler(payloadCodec{sealer: s})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" {
			if !slices.ContainsFunc(origins, func(o string) bool { return strings.EqualFold(strings.TrimSuffix(o, "/"), origin) }) {
				http.Error(w, "this origin may not ask", http.StatusForbidden)
				return
			}
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Allow-Credentials", "true")
		}
		switch {
		case r.URL.Path == "/encode":
			http.Error(w, "this endpoint only decodes", http.StatusForbidden)
		case r.URL.Path != "/decode":
			http.NotFound(w, r)
		case r.Method == http.MethodOptions:
			header.Set("Access-Control-Allow-Methods", http.MethodPost)
			header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Namespace")
			header.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
		case r.Method != http.MethodPost:
			header.Set("Allow", "OPTIONS, POST")
			http.Error(w, "use POST", http.StatusMethodNotAllowed)
		case token != "" && !bears(r, token):
			header.Set("WWW-Authenticate", "Bearer")
			http.Error(w, "the request does not bear the token of this endpoint", http.StatusUnauthorized)
		case r.ContentLength > maxDecode:
			http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxDecode)
			decode.ServeHTTP(w, r)
		}
	})
}

// bears compares digests, so that neither the token's beginning nor its length shows in the time it takes.
func bears(r *http.Request, token string) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(given))), sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
