package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/symbolon/symbolon"
)

// TestSupervisor: who started the server hears when it is up, not before, and when it is ending.
func TestSupervisor(t *testing.T) {
	folder, err := os.MkdirTemp("", "notify") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	for _, path := range []string{filepath.Join(folder, "socket"), "@" + filepath.Base(folder)} {
		supervisor, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer supervisor.Close()
		t.Setenv("NOTIFY_SOCKET", path)
		hear := func() string {
			buf := make([]byte, 100)
			_ = supervisor.SetReadDeadline(time.Now().Add(30 * time.Second)) // a socket that is open takes a deadline
			n, err := supervisor.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			return string(buf[:n])
		}
		config := symbolon.Config{Data: t.TempDir(), Development: true}
		l, err := listen(&config, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		prepared, done := false, make(chan error, 1)
		var out bytes.Buffer
		go func() {
			done <- runServer(ctx, &out, config, l, func(context.Context, *symbolon.Server) error {
				prepared = true
				return nil
			})
		}()
		if state := hear(); state != "READY=1" || !prepared {
			t.Errorf("%s, prepared %v", state, prepared)
		}
		cancel()
		if state := hear(); state != "STOPPING=1" {
			t.Error(state)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
