package test

import (
	"net/http"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// A server that was told to end says so and serves on; told a second time it ends at once.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := startServerOn(t, filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--drain-delay", "5m")
	s.waitReady(t, http.StatusOK)
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.waitReady(t, http.StatusServiceUnavailable)
	if _, err := adminClients(t, s).sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Errorf("a server that drains does not serve: %v", err)
	}
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.process.Wait() }()
	select {
	case <-ended:
	case <-time.After(startLimit):
		t.Fatal("the second signal did not end the server")
	}
	if status, ok := s.process.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Errorf("it ended as %v", s.process.ProcessState)
	}
}

// waitReady waits until /readyz answers with the status.
func (s *server) waitReady(t *testing.T, status int) {
	t.Helper()
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		answer, err := http.Get(s.url + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode == status {
			return
		}
	}
	t.Fatalf("/readyz does not become %d", status)
}
