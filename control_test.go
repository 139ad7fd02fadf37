package symbolon

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func startControl(t *testing.T, s *Server, folder string) (controlFile, func()) {
	t.Helper()
	stop, err := s.StartControl(folder)
	check(t, err)
	control, err := readControl(folder)
	check(t, err)
	return control, func() { check(t, stop()) }
}

func TestControlRoundTrip(t *testing.T) {
	s, folder := testServer(t, Config{}), t.TempDir()
	control, stop := startControl(t, s, folder)
	info, err := os.Stat(filepath.Join(folder, controlName))
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the control file has mode %v", info.Mode())
	}
	if host, _, _ := net.SplitHostPort(control.Address); !net.ParseIP(host).IsLoopback() {
		t.Errorf("the control listener is at %s", control.Address)
	}
	text := []byte(smallOrganization + "iam: { users: [ { name: u, accessKeys: [ {} ] } ] }")
	report, err := ApplyThrough(t.Context(), folder, text)
	check(t, err)
	if len(report.Changes) == 0 || len(report.AccessKeys) != 1 || len(report.AccessKeys[0].Secret) != 40 {
		t.Errorf("the report is %+v", report)
	}
	again, err := ApplyThrough(t.Context(), folder, text)
	if err != nil || again.String() != "nothing to change\n" {
		t.Errorf("again: %v, %v", again, err)
	}
	_, err = ApplyThrough(t.Context(), folder, []byte("groups: [ { name: g, members: [nobody] } ]"))
	if err == nil || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("a fault comes back as %v", err)
	}
	_, err = ApplyThrough(t.Context(), folder, []byte("grups: []"))
	if err == nil || !strings.Contains(err.Error(), "grups") || errors.Is(err, ErrNoServer) {
		t.Errorf("an unknown key comes back as %v", err)
	}
	stop()
	if _, err := ApplyThrough(t.Context(), folder, text); !errors.Is(err, ErrNoServer) {
		t.Errorf("after the stop: %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, controlName)); err == nil {
		t.Error("the control file outlives the server")
	}
}

func TestControlWithoutServer(t *testing.T) {
	folder := t.TempDir()
	if _, err := ApplyThrough(t.Context(), folder, nil); !errors.Is(err, ErrNoServer) {
		t.Errorf("no control file: %v", err)
	}
	// A server that was killed leaves its file behind; nobody listens there.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	address := l.Addr().String()
	check(t, l.Close())
	text, err := json.Marshal(controlFile{Address: address, Token: "x"})
	check(t, err)
	check(t, os.WriteFile(filepath.Join(folder, controlName), text, 0o600))
	if _, err := ApplyThrough(t.Context(), folder, nil); !errors.Is(err, ErrNoServer) || !strings.Contains(err.Error(), controlName) {
		t.Errorf("a stale control file: %v", err)
	}
	// Its port may belong to somebody else by now, who must learn nothing.
	learned := make(chan string, 10)
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		learned <- r.Header.Get("Authorization") + string(body)
		controlAnswer(w, http.StatusOK, map[string]string{"proof": strings.Repeat("0", 64)})
	}))
	defer stranger.Close()
	text, err = json.Marshal(controlFile{Address: stranger.Listener.Addr().String(), Token: "x"})
	check(t, err)
	check(t, os.WriteFile(filepath.Join(folder, controlName), text, 0o600))
	if _, err := ApplyThrough(t.Context(), folder, []byte("secrets")); !errors.Is(err, ErrNoServer) {
		t.Errorf("a stranger on the port: %v", err)
	}
	if got := <-learned; got != "" || len(learned) > 0 {
		t.Errorf("the stranger learned %q", got)
	}
	check(t, os.WriteFile(filepath.Join(folder, controlName), []byte("{"), 0o600))
	if _, err := ApplyThrough(t.Context(), folder, nil); err == nil || errors.Is(err, ErrNoServer) {
		t.Errorf("a broken control file: %v", err)
	}
}

func TestControlRefuses(t *testing.T) {
	s, folder := testServer(t, Config{}), t.TempDir()
	control, stop := startControl(t, s, folder)
	defer stop()
	for name, c := range map[string]struct {
		method, path, authorization, body string
		status                            int
	}{
		"no token":          {"POST", "/apply", "", smallOrganization, http.StatusForbidden},
		"wrong token":       {"POST", "/apply", "Bearer " + strings.Repeat("A", len(control.Token)), smallOrganization, http.StatusForbidden},
		"half a token":      {"POST", "/apply", "Bearer " + control.Token[:10], smallOrganization, http.StatusForbidden},
		"token alone":       {"POST", "/apply", control.Token, smallOrganization, http.StatusForbidden},
		"unknown, no token": {"GET", "/", "", "", http.StatusForbidden},
		"unknown":           {"GET", "/", "Bearer " + control.Token, "", http.StatusNotFound},
		"GET":               {"GET", "/apply", "Bearer " + control.Token, "", http.StatusMethodNotAllowed},
		"no organization":   {"POST", "/apply", "Bearer " + control.Token, "[", http.StatusBadRequest},
		"too much":          {"POST", "/apply", "Bearer " + control.Token, strings.Repeat("#", maxControlBody+1), http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+control.Address+c.path, strings.NewReader(c.body))
			check(t, err)
			if c.authorization != "" {
				r.Header.Set("Authorization", c.authorization)
			}
			response, err := http.DefaultClient.Do(r)
			check(t, err)
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			check(t, err)
			if response.StatusCode != c.status || strings.Contains(string(body), control.Token) {
				t.Errorf("HTTP %d: %s", response.StatusCode, body)
			}
		})
	}
	nothingIsThere(t, s)
}
