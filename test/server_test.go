// Package test is the house seen from outside: unmodified clients of AWS Identity Center against a running `symbolon dev`.
// No test of this package imports the server; it is built, started as a process, and spoken to over the wire. What a client needs and the
// machine lacks (python3 with boto3, the AWS CLI, node) is named in the test's skip message.
package test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// startLimit is how long anything may take that usually takes a moment; only a hang reaches it.
const startLimit = 60 * time.Second

// buildFolder holds the program under test; TestMain owns it.
var buildFolder string

func TestMain(m *testing.M) {
	var err error
	if buildFolder, err = os.MkdirTemp("", "symbolon-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(buildFolder)
	os.Exit(code)
}

// program builds cmd/symbolon, once.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildFolder, "symbolon")
	build := exec.Command("go", "build", "-o", path, "./cmd/symbolon")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// server is one running `symbolon dev` and what `symbolon env` says of it.
type server struct {
	url, folder string
	env         map[string]string

	process *exec.Cmd
	log     *lockedBuffer
	http    *http.Client // nil: as the environment has it
}

// client is how this process speaks to the server.
func (s *server) client() *http.Client {
	if s.http == nil {
		return http.DefaultClient
	}
	return s.http
}

// awsClient is the same for the SDK, which adds to the client it is given what the environment says.
func (s *server) awsClient() *awshttp.BuildableClient {
	c := awshttp.NewBuildableClient()
	if s.http == nil {
		return c
	}
	return c.WithTransportOptions(func(t *http.Transport) {
		t.TLSClientConfig = s.http.Transport.(*http.Transport).TLSClientConfig.Clone()
	})
}

// startServer runs `symbolon dev` on a folder of its own and a free port.
func startServer(t *testing.T) *server {
	t.Helper()
	return startServerOn(t, filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0")
}

// lastingAddress is a free loopback address that the system gives to nobody by itself, so that a server can come back to it: the port
// lies below the range of ephemeral ports.
func lastingAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000)))
		if err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port between 20000 and 30000")
	return ""
}

// startServerOn runs `symbolon dev` on folder, waits until it is ready, and ends it with the test.
func startServerOn(t *testing.T, folder string, flags ...string) *server {
	t.Helper()
	return startServerBehind(t, nil, folder, flags...)
}

// startServerBehind is startServerOn where the server's issuer, another program, is reached by a client of its own.
func startServerBehind(t *testing.T, client *http.Client, folder string, flags ...string) *server {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{folder: folder, log: &lockedBuffer{}, http: client}
	s.process = exec.Command(path, append([]string{"dev", "--data", folder}, flags...)...)
	s.process.Env = cleanEnvironment()
	s.process.Stderr = s.log
	out, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.process.Process.Kill() // it may have ended before
		_ = s.process.Wait()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log)
		}
	})
	s.url = s.announced(t, out)
	s.waitHealthy(t)
	s.env = readEnvironment(t, folder)
	return s
}

// announced is the address the server prints when it serves; what else it prints goes to the log.
func (s *server) announced(t *testing.T, out interface{ Read([]byte) (int, error) }) string {
	t.Helper()
	found := make(chan string, 1)
	go func() {
		defer close(found)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if url, ok := strings.CutPrefix(lines.Text(), "symbolon serves "); ok {
				found <- url
			}
			fmt.Fprintln(s.log, lines.Text())
		}
	}()
	select {
	case url, ok := <-found:
		if ok {
			return url
		}
		t.Fatalf("symbolon dev ended at its start:\n%s", s.log)
	case <-time.After(startLimit):
		t.Fatalf("symbolon dev says nothing:\n%s", s.log)
	}
	return ""
}

// waitHealthy waits for the documented sign of readiness.
func (s *server) waitHealthy(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := s.client().Do(r); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("GET %s/healthz does not become 200", s.url)
}

// stop ends the server as Ctrl-C does and demands a clean exit.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Wait(); err != nil {
		t.Fatalf("symbolon dev ended with %v\n%s", err, s.log)
	}
}

// kill ends the server without warning.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.process.Wait() // says that it was killed
}

// readEnvironment runs `symbolon env`.
func readEnvironment(t *testing.T, folder string) map[string]string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "env", "--data", folder, "--format", "json").Output()
	if err != nil {
		t.Fatalf("symbolon env: %v", err)
	}
	env := map[string]string{}
	if err := json.Unmarshal(out, &env); err != nil {
		t.Fatalf("symbolon env --format json: %v\n%s", err, out)
	}
	return env
}

// cleanEnvironment is this process's environment without anything that steers an AWS client or the server, and without proxies:
// everything here is on loopback.
func cleanEnvironment() []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "SYMBOLON_") || strings.HasSuffix(strings.ToLower(name), "_proxy") {
			continue
		}
		env = append(env, entry)
	}
	return env
}

// clientVariables are what `symbolon env` printed, and what keeps a developer's own AWS settings out of the test.
func (s *server) clientVariables() map[string]string {
	vars := map[string]string{
		"AWS_CONFIG_FILE": filepath.Join(s.folder, "no-config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(s.folder, "no-credentials"),
		"AWS_EC2_METADATA_DISABLED": "true",
	}
	for name, value := range s.env {
		vars[name] = value
	}
	return vars
}

// lockedBuffer is a buffer that a process may fill while a test reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
