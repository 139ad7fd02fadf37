package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// TestToldToEndDuringTheStart: a server that is told to end before it serves ends without a complaint, wherever it just is.
func TestToldToEndDuringTheStart(t *testing.T) {
	for name, arguments := range map[string][]string{
		"serve": {"serve"}, "dev": {"dev"}, "serve, waiting for its key": {"serve", "--master-key-command", "sleep,60"},
	} {
		ctx, end := context.WithCancel(t.Context())
		if strings.Contains(name, "waiting") {
			time.AfterFunc(300*time.Millisecond, end)
		} else {
			end()
		}
		var out bytes.Buffer
		c := newCommand()
		c.SetOut(&out)
		c.SetArgs(append(arguments, "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0"))
		if err := c.ExecuteContext(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(out.String(), "symbolon serves") {
			t.Errorf("%s serves:\n%s", name, out.String())
		}
		end()
	}
}

// TestFaultsAreToldThoughItEnds: what is wrong with a server is not hidden by its being told to end.
func TestFaultsAreToldThoughItEnds(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "master.key"), []byte("no key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	end()
	c := newCommand()
	c.SetArgs([]string{"serve", "--data", folder, "--listen", "127.0.0.1:0"})
	if err := c.ExecuteContext(ctx); err == nil || !strings.Contains(err.Error(), "master key") {
		t.Errorf("a key that is none: %v", err)
	}
}

// TestNotAnnouncedWithoutItsCertificate: a server whose certificate cannot be read does not say that it serves.
func TestNotAnnouncedWithoutItsCertificate(t *testing.T) {
	var out bytes.Buffer
	c := newCommand()
	c.SetOut(&out)
	none := filepath.Join(t.TempDir(), "none")
	c.SetArgs([]string{"serve", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--tls-cert", none, "--tls-key", none})
	if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "tls-cert") {
		t.Errorf("a certificate that is not there: %v", err)
	}
	if out.Len() > 0 {
		t.Errorf("it says %s", out.String())
	}
}

// TestOtherCommandsAreNotDoneWhenInterrupted: only a server has nothing left to do when it is told to end.
func TestOtherCommandsAreNotDoneWhenInterrupted(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	end()
	c := newCommand()
	c.SetArgs([]string{"demo"})
	if err := c.ExecuteContext(ctx); err == nil {
		t.Error("a demonstration that was interrupted counts as done")
	}
}

// TestToldToEndWhileJoining: nor does a node complain that is told to end while it announces itself to the others.
func TestToldToEndWhileJoining(t *testing.T) {
	url, folder := postgrestest.Database(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "master.key"), []byte(strings.Repeat("A", 43)+"=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{0, 10 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond, 120 * time.Millisecond, 200 * time.Millisecond} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var log lines
		ctx, end := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(after, end)
		none := time.Duration(0)
		config := symbolon.Config{
			Data: folder, DatabaseURL: url, Listen: l.Addr().String(), DrainDelay: &none, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}
		err = runServer(ctx, io.Discard, config, l, func(context.Context, *symbolon.Server) error { return nil })
		if err != nil {
			t.Errorf("told to end after %v: %v", after, err)
		}
		if text := log.String(); strings.Contains(text, "cannot join") || strings.Contains(text, "RS256") || strings.Contains(text, "context canceled") {
			t.Errorf("told to end after %v:\n%s", after, text)
		}
	}
}

// lines are what was logged so far, from whatever goroutine.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
