package symbolon

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPagesAreTraced: a refused page carries the request id of its event, and the event the exact reason.
func TestPagesAreTraced(t *testing.T) {
	s := testServer(t, Config{})
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/authorize?client_id=nobody", nil))
	id := w.Header().Get("x-amzn-RequestId")
	log, err := os.ReadFile(filepath.Join(s.config.Data, "audit.jsonl"))
	check(t, err)
	if w.Code != http.StatusBadRequest || id == "" || !strings.Contains(string(log), `"requestID":"`+id+`"`) {
		t.Errorf("HTTP %d, request id %q, log %s", w.Code, id, log)
	}
	if !strings.Contains(string(log), `"refusalReason":"`) {
		t.Errorf("the event has no reason: %s", log)
	}
}
