package adobe

import (
	"cmp"
	"encoding/json"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"cutover/internal/vendorhttp"
)

// A wait of more than a day is no wait a caller could keep.
const longestWait = 24 * time.Hour

// refusalBody joins the body forms of the gateway (error_code, message), of Flow
// Service (errorMessage, errorDetails, or type, title and report) and of other
// Platform services (type, title, detail).
type refusalBody struct {
	ErrorCode    text          `json:"error_code"`
	Message      text          `json:"message"`
	ErrorMessage text          `json:"errorMessage"`
	ErrorDetails text          `json:"errorDetails"`
	Type         text          `json:"type"`
	Title        text          `json:"title"`
	Detail       text          `json:"detail"`
	Report       loose[report] `json:"report"`
}

type report struct {
	DetailedMessage text `json:"detailed-message"`
	RequestID       text `json:"request-id"`
}

var flowCodePattern = regexp.MustCompile(`FLOW-\d+-\d{3}`)

func (s *Sandbox) refusal(r request, resp *http.Response, got answer) error {
	e := &Error{
		Op: r.op, Organization: s.cred.Organization, Sandbox: s.name,
		Method: r.method, Path: r.path, Status: resp.StatusCode,
		RequestID:  got.requestID,
		RetryAfter: retryAfter(resp.Header, s.client.now()),
	}
	var body refusalBody
	switch err := json.Unmarshal(got.body, &body); {
	case vendorhttp.IsRedirect(resp.StatusCode):
		e.Code, e.Message = codeRedirect, vendorhttp.RedirectMessage(resp.Header, got.secrets...)
		return e
	case err != nil:
		e.Message = "the answer is no JSON object but " + mediaType(resp.Header, got.secrets)
		return e
	}
	e.Code = vendorhttp.Show(body.code(), vendorhttp.MaxCode, got.secrets...)
	e.Message = vendorhttp.Show(body.message(), vendorhttp.MaxMessage, got.secrets...)
	if id := string(body.Report.value.RequestID); id != "" {
		e.RequestID = vendorhttp.Show(id, vendorhttp.MaxCode, got.secrets...)
	}
	return e
}

func (b refusalBody) code() string {
	if b.ErrorCode != "" {
		return string(b.ErrorCode)
	}
	for _, field := range []text{b.Type, b.ErrorMessage, b.Title, b.Message} {
		if code := flowCodePattern.FindString(string(field)); code != "" {
			return code
		}
	}
	return ""
}

func (b refusalBody) message() string {
	if detailed := b.Report.value.DetailedMessage; detailed != "" {
		return string(detailed)
	}
	if b.ErrorMessage != "" && b.ErrorDetails != "" && b.ErrorMessage != b.ErrorDetails {
		return string(b.ErrorMessage) + ": " + string(b.ErrorDetails)
	}
	return string(cmp.Or(b.ErrorMessage, b.ErrorDetails, b.Message, b.Detail, b.Title))
}

func mediaType(h http.Header, secrets []string) string {
	media, _, err := mime.ParseMediaType(vendorhttp.Show(h.Get("Content-Type"), vendorhttp.MaxMessage, secrets...))
	if err != nil {
		return "of no known type"
	}
	return vendorhttp.Clip(media, vendorhttp.MaxCode)
}

// retryAfter reads the header's seconds or date; 0 when absent, past or senseless.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), longestWait)
}
