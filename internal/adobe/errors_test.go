package adobe

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestErrorShapes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 300)
	for name, tc := range map[string]struct {
		status        int
		body          string
		code, message string
		request       string
	}{
		"gateway, code as text":   {403, `{"error_code":"403025","message":"Profile is not valid"}`, "403025", "Profile is not valid", "sent"},
		"gateway, code as number": {401, `{"error_code":401013,"message":"Oauth token is not valid"}`, "401013", "Oauth token is not valid", "sent"},
		"flow service, short": {
			412, `{"errorMessage":"Version mismatch","errorDetails":"supplied 1, current 2"}`,
			"", "Version mismatch: supplied 1, current 2", "sent",
		},
		"flow service, short with code": {400, `{"errorMessage":"FLOW-1422-400 Action not allowed"}`, "FLOW-1422-400", "FLOW-1422-400 Action not allowed", "sent"},
		"flow service, full": {
			404, `{"type":"https://ns.adobe.com/aep/errors/FLOW-1439-404","title":"Not Found","status":404,
			"report":{"detailed-message":"flow not found","request-id":"from-report","id":"x","type":"flows"},
			"errorMessage":"flow not found","errorDetails":"flow not found"}`,
			"FLOW-1439-404", "flow not found", "from-report",
		},
		"platform": {
			400, `{"type":"https://ns.adobe.com/aep/errors/EXEG-0503-415","status":400,"title":"Unsupported","detail":"no content type"}`,
			"", "no content type", "sent",
		},
		"report of another form": {500, `{"title":"Oops","report":"text"}`, "", "Oops", "sent"},
		"fields of other types":  {500, `{"message":{"deep":true},"error_code":null,"title":"Oops"}`, "", "Oops", "sent"},
		"HTML":                   {502, `<html>Bad gateway</html>`, "", "the answer is no JSON object but application/json", "sent"},
		"empty":                  {503, ``, "", "the answer is no JSON object but application/json", "sent"},
		"long":                   {400, `{"message":"` + long + `"}`, "", strings.Repeat("ä", 100), "sent"},
		"several lines":          {400, `{"message":"one\ntwo\u0000"}`, "", "one two ", "sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Request-Id", "sent")
				answerWith(w, tc.status, tc.body)
			})
			err := f.sandbox(t).Enable(t.Context(), "flow-1")
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, Error{
				Op: "enable dataflow flow-1", Organization: testOrg, Sandbox: testSandbox, Method: "POST", Path: "/flows/flow-1/action",
				Status: tc.status, Code: tc.code, Message: tc.message, RequestID: tc.request,
			}, *refused)
			require.ErrorContains(t, err, "enable dataflow flow-1: organization "+testOrg+", sandbox emea")
			require.ErrorContains(t, err, "[request "+tc.request+"]")
		})
	}
}

func TestWithoutAnAnsweredRequestIDOurOwnIsReported(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusInternalServerError, `{}`))
	err := f.sandbox(t).Enable(t.Context(), "flow-1")
	var refused *Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, f.seen()[0].header.Get("X-Request-Id"), refused.RequestID)
}

func TestErrorClasses(t *testing.T) {
	t.Parallel()
	all := []error{ErrPrecondition, ErrNotFound, ErrGone, ErrState, ErrUnauthorized}
	for _, tc := range []struct {
		status    int
		code      string
		is        error
		temporary bool
		advice    string
	}{
		{412, "FLOW-1404-412", ErrPrecondition, false, "read it again"},
		{412, "", ErrPrecondition, false, "read it again"},
		{404, "FLOW-1439-404", ErrNotFound, false, "access labels"},
		{410, "FLOW-1101-410", ErrGone, false, "does not come back"},
		{410, "", ErrGone, false, "does not come back"},
		{400, "FLOW-1420-400", ErrState, false, "read its state again"},
		{400, "FLOW-1421-400", ErrState, false, "read its state again"},
		{400, "FLOW-1422-400", ErrState, false, "read its state again"},
		{400, "FLOW-1456-400", ErrState, false, "read its state again"},
		{400, "FLOW-1457-400", ErrState, false, "read its state again"},
		{400, "FLOW-1458-400", ErrState, false, "read its state again"},
		{401, "401013", ErrUnauthorized, false, "belongs to this organization"},
		{400, "FLOW-1403-400", nil, false, "correct the request"},
		{403, "FLOW-2120-403", nil, false, "permission"},
		{422, "", nil, false, "correct the request"},
		{408, "", nil, true, "later"},
		{429, "429050", nil, true, "later"},
		{500, "", nil, true, "later"},
		{501, "", nil, false, "correct the request"},
		{504, "FLOW-1104-504", nil, true, "later"},
	} {
		t.Run(fmt.Sprint(tc.status, tc.code), func(t *testing.T) {
			t.Parallel()
			err := fmt.Errorf("wrapped: %w", &Error{Status: tc.status, Code: tc.code})
			for _, target := range all {
				require.Equal(t, errors.Is(tc.is, target), errors.Is(err, target), target)
			}
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tc.temporary, refused.Temporary())
			require.ErrorContains(t, err, tc.advice)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := newClock()
	for value, want := range map[string]time.Duration{
		"":                                 0,
		"30":                               30 * time.Second,
		" 5 ":                              5 * time.Second,
		"0":                                0,
		"-5":                               0,
		"soon":                             0,
		"1e9":                              0,
		"999999":                           longestWait,
		"99999999999999999999":             0,
		"Thu, 16 Nov 2023 09:01:30 GMT":    90 * time.Second,
		"Thursday, 16-Nov-23 09:00:10 GMT": 10 * time.Second,
		"Thu, 16 Nov 2023 08:00:00 GMT":    0,
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", value)
				answerWith(w, http.StatusTooManyRequests, `{"error_code":"429050","message":"Too many requests"}`)
			})
			err := f.sandbox(t, func(c *Config) { c.Now = now.Now }).Enable(t.Context(), "flow-1")
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, want, refused.RetryAfter)
			require.Len(t, f.seen(), 1, "the caller repeats, not the client")
		})
	}
}

func TestMalformedAnswers(t *testing.T) {
	t.Parallel()
	flow := `{"id":"flow-1","inheritedAttributes":{"targetConnections":[{"connectionSpec":{"id":"spec"}}]}`
	for name, body := range map[string]string{
		"HTML":                   "<html><body>sign in</body></html>",
		"empty":                  "",
		"truncated":              `{"items":[{"id":"flow-1"`,
		"trailing text":          `{"items":[]} and more`,
		"array":                  `[]`,
		"null":                   `null`,
		"no items":               `{"count":0}`,
		"null items":             `{"items":null}`,
		"items of another type":  `{"items":{"id":"flow-1"}}`,
		"item of another type":   `{"items":["flow-1"]}`,
		"item without id":        `{"items":[{"name":"x"}]}`,
		"time that is none":      `{"items":[` + flow + `,"createdAt":"yesterday"}]}`,
		"transformations differ": `{"items":[` + flow + `,"transformations":{"a":1}}]}`,
		"selectors differ":       `{"items":[` + flow + `,"transformations":[{"params":{"segmentSelectors":{"selectors":"x"}}}]}]}`,
		"audience without id":    `{"items":[` + flow + `,"transformations":[{"params":{"segmentSelectors":{"selectors":[{"type":"PLATFORM_SEGMENT","value":{}}]}}}]}]}`,
		"link of another type":   `{"items":[],"_links":"none"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFake(t, always(http.StatusOK, body)).sandbox(t)
			_, listErr := s.Dataflows(t.Context(), "spec")
			_, readErr := s.Dataflow(t.Context(), "flow-1")
			for _, err := range []error{listErr, readErr} {
				var malformed *MalformedError
				if name == "link of another type" && err == nil {
					t.Fatal("accepted")
				}
				require.ErrorAs(t, err, &malformed)
				require.NotEmpty(t, malformed.Want)
				require.NotEmpty(t, malformed.RequestID)
				require.ErrorContains(t, err, "organization "+testOrg+", sandbox emea: malformed answer: want ")
			}
		})
	}
}

func TestASingleReadIsTheEntityAskedFor(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"none":    noItems,
		"two":     `{"items":[{"id":"flow-1"},{"id":"flow-1"}]}`,
		"another": `{"items":[{"id":"flow-2"}]}`,
		"bare":    `{"id":"flow-1"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newFake(t, always(http.StatusOK, body)).sandbox(t).Dataflow(t.Context(), "flow-1")
			var malformed *MalformedError
			require.ErrorAs(t, err, &malformed)
		})
	}
}

func TestGotIsShortAndHoldsNoSecret(t *testing.T) {
	t.Parallel()
	body := `{"no":"items","accessToken":"CANARY-a","echo":"` + clientSecret + `","authorization":"Bearer CANARY-b` + strings.Repeat("x", 1000)
	_, err := newFake(t, always(http.StatusOK, body)).sandbox(t).Dataflow(t.Context(), "flow-1")
	var malformed *MalformedError
	require.ErrorAs(t, err, &malformed)
	require.True(t, strings.HasPrefix(malformed.Got, `{"no":"items","accessToken":"[redacted]"`), malformed.Got)
	require.LessOrEqual(t, len(malformed.Got), 200)
	requireNoSecret(t, err.Error())

	large := `{"no":"items","x":"` + strings.Repeat("y", 1<<20)
	_, err = newFake(t, always(http.StatusOK, large)).sandbox(t).Dataflow(t.Context(), "flow-1")
	require.ErrorAs(t, err, &malformed)
	require.Len(t, malformed.Got, 200)
}
