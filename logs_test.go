package symbolon

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
)

func TestLogSettings(t *testing.T) {
	for name, c := range map[string]struct {
		format, level string
		says, hides   string
	}{
		"as it is": {"", "", `level=INFO msg=b k="v w"`, "msg=a"},
		"json":     {"json", "warn", `"level":"WARN","msg":"c"`, `"msg":"b"`},
		"debug":    {"text", "debug", "level=DEBUG msg=a", "{"},
		"error":    {"text", "error", "level=ERROR msg=d", "msg=c"},
	} {
		var text bytes.Buffer
		log, err := Config{LogFormat: c.format, LogLevel: c.level}.NewLog(&text)
		fatal(t, err)
		log.Debug("a")
		log.Info("b", "k", "v w")
		log.Warn("c")
		log.Error("d")
		if !strings.Contains(text.String(), c.says) || strings.Contains(text.String(), c.hides) {
			t.Errorf("%s: %s", name, &text)
		}
	}
	for _, c := range []Config{{LogFormat: "xml"}, {LogLevel: "INFO"}, {LogLevel: "loud"}} {
		if _, err := c.withDefaults(); err == nil || !strings.Contains(err.Error(), "log-") {
			t.Errorf("%s%s: %v", c.LogFormat, c.LogLevel, err)
		}
	}
}

// TestRequestLines: with log-requests every request has one line, with what it was and who called, and nothing of what it carried.
func TestRequestLines(t *testing.T) {
	var text bytes.Buffer
	d := openDoor(t, func(c *Config) { c.LogRequests, c.Log = true, slog.New(slog.NewJSONHandler(&text, nil)) })
	text.Reset()
	asked := []reply{
		d.send(t, d.tokenRequest(t)), d.send(t, d.request(t, "POST", tokenTarget+"&code=hush", "{}")),
		d.send(t, d.request(t, "GET", "/authorize?code_challenge=hush&state=hush", "")), d.send(t, d.request(t, "GET", "/hush", "")),
		d.send(t, d.signed(d.request(t, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", "Content-Type", "application/x-www-form-urlencoded"), "sts")),
	}
	want := []struct{ service, operation, code, caller string }{
		{"sso-oidc", "CreateTokenWithIAM", "InvalidClientException", "arn:aws:iam::111122223333:user/symbolon-administrator"},
		{"sso-oidc", "CreateTokenWithIAM", "MissingAuthenticationTokenException", ""}, {"web", "authorize", "", ""},
		{"unknown", "unknown", "UnknownOperationException", ""}, {"sts", "GetCallerIdentity", "", d.AccountID},
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(lines) != len(asked) || strings.Contains(text.String(), "hush") || strings.Contains(text.String(), d.AccessKeyID) {
		t.Fatalf("%d lines for %d requests: %s", len(lines), len(asked), &text)
	}
	for i, line := range lines {
		var l struct {
			RequestID string `json:"request_id"`
			Service   string
			Operation string
			Status    int
			Code      string
			Caller    string
			Address   string
			Took      float64 `json:"duration_ms"`
		}
		fatal(t, json.Unmarshal([]byte(line), &l))
		w := want[i]
		if l.Service != w.service || l.Operation != w.operation || l.Code != w.code || !strings.Contains(l.Caller, w.caller) ||
			l.Status != asked[i].status || l.RequestID != asked[i].header.Get("x-amzn-RequestId") || l.Address != "127.0.0.1" || l.Took <= 0 {
			t.Errorf("request %d, answered %d: %s", i, asked[i].status, line)
		}
	}
}

// TestNoLinesUnasked: the audit log has the requests; the process's log is quiet about them.
func TestNoLinesUnasked(t *testing.T) {
	var text bytes.Buffer
	d := openDoor(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&text, nil)) })
	text.Reset()
	d.send(t, d.tokenRequest(t))
	d.send(t, d.request(t, "GET", "/signin", ""))
	if text.Len() > 0 {
		t.Errorf("the log says %s", &text)
	}
}
