package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// answer is what a vendor says, kept whole so that a fault can spoil it before it is sent.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func reply(status int, body any) answer {
	return answer{
		status: status, body: mustJSON(body),
		header: http.Header{"Content-Type": {"application/json;charset=utf-8"}},
	}
}

func empty(status int) answer { return answer{status: status, header: http.Header{}} }

// gatewayRefusal has the API gateway's form. The HTTP status is the first three digits of the code.
func gatewayRefusal(code, message string) answer {
	status, err := strconv.Atoi(code[:3])
	if err != nil {
		status = http.StatusInternalServerError
	}
	return reply(status, map[string]string{"error_code": code, "message": message})
}

// flowRefusal has Flow Service's full form; code is as in "1439-404".
func flowRefusal(requestID, code, title, detail string) answer {
	status, err := strconv.Atoi(code[strings.LastIndexByte(code, '-')+1:])
	if err != nil {
		status = http.StatusInternalServerError
	}
	details, err := json.Marshal(detail)
	if err != nil {
		details = []byte(`""`)
	}
	return reply(status, map[string]any{
		"type":   "https://ns.adobe.com/aep/errors/FLOW-" + code,
		"title":  title,
		"status": status,
		"report": map[string]string{"detailed-message": detail, "request-id": requestID},

		"errorMessage": detail,
		"errorDetails": string(details),
	})
}

// shortRefusal has Flow Service's short form.
func shortRefusal(status int, message, details string) answer {
	return reply(status, map[string]string{"errorMessage": message, "errorDetails": details})
}

// refuse is flowRefusal for this call.
func (c *call) refuse(code, title, detail string, args ...any) answer {
	return flowRefusal(c.requestID, code, title, fmt.Sprintf(detail, args...))
}

// notFound is the answer for a flow; its report names the id and the type besides.
func (c *call) notFound(code, kind, id string) answer {
	a := c.refuse(code, "Not found", "no %s with id %s", kind, id)
	var body map[string]any
	if json.Unmarshal(a.body, &body) == nil {
		if report, ok := body["report"].(map[string]any); ok {
			report["id"], report["type"] = id, kind
		}
		a.body = mustJSON(body)
	}
	return a
}

// pinterestRefusal has Pinterest's form.
func pinterestRefusal(status, code int, message string) answer {
	return reply(status, map[string]any{"code": code, "message": message, "status": "failure"})
}

// imsRefusal has IMS's form.
func imsRefusal(status int, code, description string) answer {
	return reply(status, map[string]string{"error": code, "error_description": description})
}
