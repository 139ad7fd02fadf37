package symbolon

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/audit"
)

// smallDisk is a file system of its own with that many bytes.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	folder := t.TempDir()
	err := syscall.Mount("symbolon-test", folder, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", size))
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("MISSING: the right to mount a file system, so that a full disk cannot be tried")
	}
	fatal(t, err)
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// fill leaves no byte of the disk; free gives them back.
func fill(t *testing.T, folder string) (free func()) {
	t.Helper()
	path := filepath.Join(folder, "filler")
	f, err := os.Create(path)
	fatal(t, err)
	defer f.Close()
	for _, size := range []int{64 << 10, 4 << 10, 1} {
		for block := make([]byte, size); err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
	return func() { fatal(t, os.Remove(path)) }
}

// diskStory is a client that keeps a refresh token over good and bad times.
type diskStory struct {
	*door
	t         *testing.T
	analytics string
	issuer    *idp
	refresh   string
	issued    int
}

func beginDiskStory(t *testing.T, d *door) *diskStory {
	s := &diskStory{door: d, t: t, issuer: newIDP(t)}
	s.analytics, _ = d.declare(t, s.issuer)
	out, a := s.bearer("first")
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.text)
	}
	s.refresh, _ = out["refreshToken"].(string)
	return s
}

func (s *diskStory) bearer(jti string) (map[string]any, reply) {
	return s.grant(map[string]string{"clientId": s.analytics, "grantType": jwtBearer, "assertion": s.issuer.assertion(s.t, jti)})
}

func (s *diskStory) grant(in map[string]string) (map[string]any, reply) {
	out, a := s.create(s.t, in)
	if a.status == http.StatusOK {
		s.issued++
	}
	return out, a
}

// renew refreshes; a success gives the next token.
func (s *diskStory) renew() reply {
	out, a := s.grant(map[string]string{"clientId": s.analytics, "grantType": "refresh_token", "refreshToken": s.refresh})
	if next, ok := out["refreshToken"].(string); ok && a.status == http.StatusOK {
		s.refresh = next
	}
	return a
}

// untilRefused goes on until the disk is so full that it shows.
func (s *diskStory) untilRefused() {
	s.t.Helper()
	for range 5000 {
		if a := s.renew(); a.status != http.StatusOK {
			s.isRefusal("the first", a)
			return
		}
	}
	s.t.Fatal("a full disk was never noticed")
}

// isRefusal: clean, retryable, in the shape an SDK reads, and without a token.
func (s *diskStory) isRefusal(what string, a reply) {
	s.t.Helper()
	if a.status != http.StatusServiceUnavailable && a.status != http.StatusInternalServerError || a.code() != "InternalServerException" ||
		a.message() == "" || strings.Contains(a.text, "aoa") || strings.Contains(a.text, s.folder) {
		s.t.Errorf("%s: %d %s %s", what, a.status, a.code(), a.text)
	}
}

// recovered: within a moment, without anybody's help.
func (s *diskStory) recovered() {
	s.t.Helper()
	var last reply
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if last = s.renew(); last.status == http.StatusOK {
			return
		}
		if last.status < 500 {
			break // the token has been lost
		}
	}
	s.t.Fatalf("with room again: %d %s", last.status, last.text)
}

// recorded: every token that was given has its event, and the chain holds.
func (s *diskStory) recorded(path string) {
	s.t.Helper()
	if line, err := audit.Verify(path); err != nil {
		s.t.Errorf("line %d: %v", line, err)
	}
	text, err := os.ReadFile(path)
	fatal(s.t, err)
	events := 0
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, `"eventName":"CreateTokenWithIAM"`) && !strings.Contains(line, `"errorCode"`) {
			events++
		}
	}
	if events != s.issued {
		s.t.Errorf("%d grants, %d events of them", s.issued, events)
	}
}

// unready: load balancers learn of it, supervisors do not (a restart helps nobody), and key sets are still given.
func (s *diskStory) unready(want int) {
	s.t.Helper()
	time.Sleep(checkKept)
	for path, status := range map[string]int{"/readyz": want, "/healthz": http.StatusOK, "/.well-known/openid-configuration": http.StatusOK} {
		if a := s.send(s.t, s.request(s.t, "GET", path, "")); a.status != status {
			s.t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
}

// TestDiskFull: a disk fills up that holds the store, the audit log or both. Every request is refused cleanly, nothing is half done, and it
// all goes on by itself once there is room (R6).
func TestDiskFull(t *testing.T) {
	for name, place := range map[string]func(disk string, c *Config){
		"both": func(disk string, c *Config) { c.Data = filepath.Join(disk, "data") },
		"the store": func(disk string, c *Config) {
			c.Data, c.AuditLog = filepath.Join(disk, "data"), filepath.Join(c.Data, "audit.jsonl")
		},
		"the log": func(disk string, c *Config) { c.AuditLog = filepath.Join(disk, "audit.jsonl") },
	} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t, 6<<20)
			s := beginDiskStory(t, openDoor(t, func(c *Config) {
				c.Memory = false
				place(disk, c)
			}))
			for round := range 2 {
				s.fullRound(disk, round)
			}
			path := s.config.AuditLog
			if path == "" {
				path = filepath.Join(s.config.Data, "audit.jsonl")
			}
			fatal(t, s.Server.Close())
			s.recorded(path)
		})
	}
}

func (s *diskStory) fullRound(disk string, round int) {
	t := s.t
	free := fill(t, disk)
	s.untilRefused()
	for n := range 20 {
		s.isRefusal("a refresh", s.renew())
		_, a := s.bearer(fmt.Sprint("full", round, n))
		s.isRefusal("an assertion", a)
	}
	if s.audit.Failing() { // a store that only cannot write still introspects
		s.unready(http.StatusServiceUnavailable)
	}
	if a := s.send(t, s.request(t, "GET", "/signin", "")); a.status >= 400 && a.status < 500 {
		t.Errorf("a page: %d", a.status)
	}
	free()
	s.recovered()
	for n := range 20 {
		if _, a := s.bearer(fmt.Sprint("full", round, n)); a.status != http.StatusOK {
			t.Errorf("an assertion that was refused on the full disk has been used up: %s", a.text)
		}
	}
	s.unready(http.StatusOK)
}

// TestAuditDiskFull: the audit log's disk is full and the store's is not. Nothing is issued, and but for what was under way when it
// happened nothing is used up.
func TestAuditDiskFull(t *testing.T) {
	disk := smallDisk(t, 1<<20)
	path := filepath.Join(disk, "audit.jsonl")
	s := beginDiskStory(t, openDoor(t, func(c *Config) { c.Memory, c.AuditLog, c.AdminListen = false, path, "127.0.0.1:0" }))
	address := startAdmin(t, s.Server)
	free := fill(t, disk)
	s.untilRefused()
	applied := scrape(t, address)[`symbolon_store_commits_total{outcome="applied"}`]
	for n := range 20 {
		s.isRefusal("a refresh", s.renew())
		_, a := s.bearer(fmt.Sprint("full", n))
		s.isRefusal("an assertion", a)
	}
	series := scrape(t, address)
	if after := series[`symbolon_store_commits_total{outcome="applied"}`]; after != applied {
		t.Errorf("%v commits were made for what could not be recorded", after-applied)
	}
	if series["symbolon_audit_failures_total"] == 0 || series["symbolon_audit_failing"] != 1 {
		t.Errorf("the failures do not show: %v, %v", series["symbolon_audit_failures_total"], series["symbolon_audit_failing"])
	}
	s.unready(http.StatusServiceUnavailable)
	free()
	s.recovered()
	for n := range 20 {
		if _, a := s.bearer(fmt.Sprint("full", n)); a.status != http.StatusOK {
			t.Errorf("an assertion that was refused has been used up: %s", a.text)
		}
	}
	s.unready(http.StatusOK)
	if scrape(t, address)["symbolon_audit_failing"] != 0 {
		t.Error("it still says that it fails")
	}
	fatal(t, s.Server.Close())
	s.recorded(path)
}

// TestReadOnlyDisk: a server does not start where it cannot write, and says so.
func TestReadOnlyDisk(t *testing.T) {
	disk := smallDisk(t, 1<<20)
	fatal(t, syscall.Mount("symbolon-test", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	for name, c := range map[string]Config{
		"data":      {Data: filepath.Join(disk, "data"), Listen: "127.0.0.1:0", Development: true},
		"audit log": {Data: t.TempDir(), Listen: "127.0.0.1:0", Development: true, AuditLog: filepath.Join(disk, "audit.jsonl")},
	} {
		s, err := New(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			fatal(t, s.Close())
		}
	}
}
