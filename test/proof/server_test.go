package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// server is a `symbolon dev` of its own folder, on a real disk, that can be killed and started again.
type server struct {
	dir      string
	settings []string
	env      map[string]string
	issuer   *issuer
	apps     map[string]string // ARNs by name
	client   *http.Client

	mu      sync.Mutex
	process *exec.Cmd
	log     *strings.Builder
	dying   atomic.Bool  // a kill is under way or done, and no start since
	killed  atomic.Int64 // when the last killed process was surely dead
}

// organization: web signs users in, worker takes assertions, reports takes web's and worker's tokens.
const organization = `
instance: { name: proof, account: "111122223333" }
users:
  - { userName: alice, displayName: Alice, givenName: Alice, familyName: A, email: alice@example.com, password: PASSWORD }
groups:
  - { name: everyone, members: [alice] }
trustedTokenIssuers:
  - { name: issuer, issuerUrl: "ISSUER", claim: email, attribute: emails.value }
applications:
  - name: web
    actors: ["111122223333"]
    grants: { authorizationCode: { redirectUris: ["http://127.0.0.1/callback"] }, refreshToken: true }
    scopes: [ { scope: "reports:read", targets: [reports] } ]
    assignments: { groups: [everyone] }
  - name: worker
    actors: ["111122223333"]
    grants: { jwtBearer: [ { issuer: issuer, audiences: [worker] } ], refreshToken: true }
    scopes: [ { scope: "reports:read", targets: [reports] } ]
    assignments: { users: [alice] }
  - name: reports
    actors: ["111122223333"]
    grants: { tokenExchange: true, refreshToken: true }
    scopes: [ { scope: "reports:read" } ]
    assignments: { groups: [everyone] }
`

const password = "correct-horse-battery-staple-9"

func startServer(t *testing.T, settings ...string) *server {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(program), "data-")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		dir: filepath.Join(dir, "data"), settings: settings, issuer: startIssuer(t), apps: map[string]string{},
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}},
	}
	seed := filepath.Join(dir, "organization.yaml")
	text := strings.NewReplacer("ISSUER", s.issuer.url, "PASSWORD", password).Replace(organization)
	if err := os.WriteFile(seed, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log)
		}
		os.RemoveAll(dir)
	})
	s.start(t, "--listen", "127.0.0.1:0", "--seed", seed)
	s.findApplications(t)
	return s
}

// start runs the program on the folder and returns when it answers.
func (s *server) start(t *testing.T, more ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log == nil {
		s.log = &strings.Builder{}
	}
	s.process = exec.Command(program, append(append([]string{"dev", "--data", s.dir}, s.settings...), more...)...)
	s.process.Stderr = s.log
	out, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() { // ends with the process
		defer close(read)
		_, _ = io.Copy(io.Discard, out)
	}()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if s.healthy() {
			s.dying.Store(false)
			return
		}
		select {
		case <-read:
			_ = s.process.Wait()
			t.Fatalf("the server ended while starting:\n%s", s.log)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not ready after 20 s:\n%s", s.log)
		}
	}
}

// healthy reads where the server is, anew each time, and asks it.
func (s *server) healthy() bool {
	out, err := exec.Command(program, "env", "--data", s.dir, "--format", "json").Output()
	if err != nil || json.Unmarshal(out, &s.env) != nil {
		return false
	}
	response, err := s.client.Get(s.env["AWS_ENDPOINT_URL"] + "/healthz")
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// kill ends the process as losing it would: no signal that it could handle.
func (s *server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	s.dying.Store(true)
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	s.process = nil
	s.killed.Store(moment())
}

// restart is kill and start again on the same folder.
func (s *server) restart(t *testing.T) {
	t.Helper()
	s.kill()
	s.start(t)
}

func (s *server) address() string { return strings.TrimPrefix(s.env["AWS_ENDPOINT_URL"], "http://") }

func (s *server) dial() (net.Conn, error) {
	return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), "tcp", s.address())
}

func (s *server) findApplications(t *testing.T) {
	t.Helper()
	var list struct {
		Applications []struct{ ApplicationArn, Name string }
	}
	s.admin("sso", "SWBExternalService.ListApplications", map[string]any{"InstanceArn": s.env["SYMBOLON_INSTANCE_ARN"]}).must(t, &list)
	for _, a := range list.Applications {
		s.apps[a.Name] = a.ApplicationArn
	}
	if len(s.apps) != 3 {
		t.Fatal(fmt.Errorf("applications: %v", s.apps))
	}
}

var began = time.Now()

// moment is the monotonic clock of histories.
func moment() int64 { return int64(time.Since(began)) }
