package wire

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// A request that is refused for want of what another process knows already is decided once more, from the signature on, and leaves one
// answer and one record; nothing else is decided twice.
func TestDecidedOnceMore(t *testing.T) {
	refusal := func(status int) *Error { return &Error{Code: "X", Status: status, Message: "refused"} }
	const good = `{"clientId":"c","grantType":"g"}`
	for name, c := range map[string]struct {
		authn, handle error // of the first time
		note          bool
		denied        bool // the first answer
		news          bool
		body          string
		runs, status  int
	}{
		"signed with a new key":      {authn: refusal(403), news: true, runs: 2, status: 200},
		"an unknown key":             {authn: refusal(403), runs: 1, status: 403},
		"a new application":          {handle: refusal(400), news: true, runs: 2, status: 200},
		"an unknown application":     {handle: refusal(400), runs: 1, status: 400},
		"answered":                   {news: true, runs: 1, status: 200},
		"an answer that denies":      {denied: true, note: true, news: true, runs: 2, status: 200},
		"denies, and rightly":        {denied: true, note: true, runs: 1, status: 200},
		"our fault":                  {handle: refusal(500), news: true, runs: 1, status: 500},
		"a foreign error":            {handle: errForeign, news: true, runs: 1, status: 500},
		"told to come later":         {authn: &Error{Code: "X", Status: 400, RetryAfter: time.Second}, news: true, runs: 1, status: 400},
		"has left a note":            {handle: refusal(400), note: true, news: true, runs: 1, status: 400},
		"cannot be read":             {body: `{"clientId":"c"`, news: true, runs: 2, status: 400},
		"does not satisfy the model": {body: `{"clientId":"c"}`, news: true, runs: 2, status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			version, learned, runs := int64(7), 0, 0
			h.Knowledge = func() int64 { return version }
			h.Learn = func(context.Context) int64 {
				learned++
				if c.news {
					version++
				}
				return version
			}
			h.Authenticate = func(_ context.Context, call *Call) error {
				runs++
				if call.Caller != nil || call.Input != nil || call.Resources != nil {
					t.Errorf("run %d begins with %v, %v, %v", runs, call.Caller, call.Input, call.Resources)
				}
				call.Caller = runs
				if runs == 1 {
					return c.authn
				}
				return nil
			}
			h.handle = func(ctx context.Context) error {
				if c.note && (runs == 1 || !c.denied) {
					CallFrom(ctx).Audit.Text("reuseDetected", "refresh_token")
				}
				if runs == 1 {
					CallFrom(ctx).Denied = c.denied
					return c.handle
				}
				return nil
			}
			body := c.body
			if body == "" {
				body = good
			}
			if got := h.token(body).Code; got != c.status || runs != c.runs {
				t.Errorf("%d after %d runs, want %d after %d", got, runs, c.status, c.runs)
			}
			if learned > 1 {
				t.Errorf("learned %d times", learned)
			}
			if call := h.finished[0]; c.status == http.StatusOK && (call.Err != nil || call.Caller != runs || runs > 1 && (call.Denied || len(call.Audit) > 0)) {
				t.Errorf("the record says %v, %v, %v, %v", call.Err, call.Caller, call.Denied, call.Audit)
			}
		})
	}
}
