package engine

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"
)

const (
	webUI      = "https://temporal.acme.example"
	codecToken = "codec-endpoint-token"
)

// endpoint is a codec endpoint that serves, and a request with one sealed payload.
func endpoint(t *testing.T, token string) (url string, body []byte) {
	t.Helper()
	keys := newSealer(t)
	server := httptest.NewServer(CodecHandler(keys, []string{webUI + "/", "http://localhost:8233"}, token))
	t.Cleanup(server.Close)
	sealed, err := Encrypted(client.Options{}, keys).DataConverter.ToPayloads("opened")
	require.NoError(t, err)
	body, err = protojson.Marshal(sealed)
	require.NoError(t, err)
	return server.URL, body
}

// send makes a request whose headers are pairs.
func send(t *testing.T, method, url string, body io.Reader, headers ...string) (code int, answer http.Header, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := (&http.Client{}).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(all)
}

func TestCodecEndpointDecodes(t *testing.T) {
	t.Parallel()
	url, body := endpoint(t, codecToken)
	for _, origin := range []string{"", webUI, "http://localhost:8233"} {
		headers := []string{"Authorization", "Bearer " + codecToken, "Content-Type", "application/json", "X-Namespace", "default"}
		if origin != "" {
			headers = append(headers, "Origin", origin)
		}
		code, answer, text := send(t, http.MethodPost, url+"/decode", bytes.NewReader(body), headers...)
		require.Equal(t, http.StatusOK, code, text)
		require.Equal(t, "no-store", answer.Get("Cache-Control"))
		require.Equal(t, origin, answer.Get("Access-Control-Allow-Origin"))
		var payloads commonpb.Payloads
		require.NoError(t, protojson.Unmarshal([]byte(text), &payloads))
		require.Len(t, payloads.GetPayloads(), 1)
		require.JSONEq(t, `"opened"`, string(payloads.GetPayloads()[0].GetData()))
	}
}

func TestCodecEndpointAnswersPreflights(t *testing.T) {
	t.Parallel()
	url, _ := endpoint(t, codecToken)
	code, answer, _ := send(t, http.MethodOptions, url+"/decode", nil, "Origin", webUI,
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-namespace")
	require.Equal(t, http.StatusNoContent, code, "a preflight bears no token")
	require.Equal(t, webUI, answer.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", answer.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, "POST", answer.Get("Access-Control-Allow-Methods"))
	require.Equal(t, "Authorization, Content-Type, X-Namespace", answer.Get("Access-Control-Allow-Headers"))
	require.Equal(t, "Origin", answer.Get("Vary"))
}

func TestCodecEndpointRefuses(t *testing.T) {
	t.Parallel()
	url, body := endpoint(t, codecToken)
	bearer := []string{"Authorization", "Bearer " + codecToken}
	for name, tc := range map[string]struct {
		method, path string
		body         io.Reader
		headers      []string
		want         int
	}{
		"encode":             {http.MethodPost, "/encode", bytes.NewReader(body), bearer, http.StatusForbidden},
		"another path":       {http.MethodPost, "/x/decode", bytes.NewReader(body), bearer, http.StatusNotFound},
		"get":                {http.MethodGet, "/decode", nil, bearer, http.StatusMethodNotAllowed},
		"no token":           {http.MethodPost, "/decode", bytes.NewReader(body), nil, http.StatusUnauthorized},
		"wrong token":        {http.MethodPost, "/decode", bytes.NewReader(body), []string{"Authorization", "Bearer " + codecToken + "x"}, http.StatusUnauthorized},
		"another scheme":     {http.MethodPost, "/decode", bytes.NewReader(body), []string{"Authorization", "Basic " + codecToken}, http.StatusUnauthorized},
		"another origin":     {http.MethodPost, "/decode", bytes.NewReader(body), append([]string{"Origin", "https://evil.example"}, bearer...), http.StatusForbidden},
		"no real origin":     {http.MethodPost, "/decode", bytes.NewReader(body), append([]string{"Origin", "null"}, bearer...), http.StatusForbidden},
		"origin's beginning": {http.MethodOptions, "/decode", nil, []string{"Origin", webUI + ".evil.example"}, http.StatusForbidden},
		"not JSON":           {http.MethodPost, "/decode", strings.NewReader("{"), bearer, http.StatusBadRequest},
		"null":               {http.MethodPost, "/decode", strings.NewReader(`{"payloads":[null]}`), bearer, http.StatusBadRequest},
		"too large":          {http.MethodPost, "/decode", strings.NewReader(strings.Repeat(" ", maxDecode+1)), bearer, http.StatusRequestEntityTooLarge},
		"too large, length unknown": {
			http.MethodPost, "/decode", io.MultiReader(strings.NewReader(strings.Repeat(" ", maxDecode)), bytes.NewReader(body)), bearer, http.StatusBadRequest,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, answer, text := send(t, tc.method, url+tc.path, tc.body, tc.headers...)
			require.Equal(t, tc.want, code, text)
			require.NotContains(t, text, "opened")
			if tc.want == http.StatusForbidden && tc.path == "/decode" {
				require.Empty(t, answer.Get("Access-Control-Allow-Origin"))
			}
		})
	}
}

func TestCodecEndpointWithoutToken(t *testing.T) {
	t.Parallel()
	url, body := endpoint(t, "")
	code, _, text := send(t, http.MethodPost, url+"/decode", bytes.NewReader(body))
	require.Equal(t, http.StatusOK, code, text)

	other := httptest.NewServer(CodecHandler(newSealer(t), nil, ""))
	defer other.Close()
	code, _, text = send(t, http.MethodPost, other.URL+"/decode", bytes.NewReader(body))
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, text, "the keys of CUTOVER_CODEC_KEYS do not open it")
}
